package worker

import (
	"context"
	"slices"
	"time"

	"github.com/lectern/lectern/transcode"
)

const (
	// healthy is how long a worker must have lived for its loss to count as the
	// first again. lossWindow and lossesAllowed say when a class is given up, and
	// disabledFor for how long.
	healthy       = time.Minute
	lossWindow    = time.Minute
	lossesAllowed = 3
	disabledFor   = 10 * time.Minute

	maxPause = 30 * time.Second
)

// await waits until the pause is over and there is work, and reports whether there
// is any before ctx ends.
func (h *Host) await(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return false
	}
	for {
		h.mu.Lock()
		wanted := h.wanted
		h.mu.Unlock()
		if ctx.Err() != nil {
			return false
		}
		if wanted {
			return true
		}
		select {
		case <-h.work:
		case <-ctx.Done():
			return false
		}
	}
}

// lost tells of the end of a process and returns how long to wait before the next.
func (h *Host) lost(end ending) time.Duration {
	h.metrics.lost[end.reason].Inc()
	pause, l, told := h.countLoss(end)
	if !told {
		h.logger.Warn("idle worker lost", "reason", end.reason, "err", end.text)
		return pause
	}
	if l.Final {
		h.logger.Error("worker lost, encoding given up", "reason", l.Reason, "err", l.Text)
	} else {
		h.logger.Warn("worker lost", "reason", l.Reason, "err", l.Text, "duration", pause)
	}
	return pause
}

// countLoss decides what follows a loss, and tells it if there was work.
func (h *Host) countLoss(end ending) (pause time.Duration, l transcode.Lost, told bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now()
	l = transcode.Lost{Reason: end.reason, Text: "The encoder was lost: " + end.text + "."}
	h.status.Reason, h.status.Text = l.Reason, l.Text
	if end.reason != reasonSpec {
		if end.reason != reasonStart && now.Sub(h.attachedAt) >= healthy {
			h.failures = 0
		}
		h.losses = slices.DeleteFunc(h.losses, func(t time.Time) bool { return now.Sub(t) >= lossWindow })
		h.losses = append(h.losses, now)
		pause = backoff(h.failures)
		h.failures++
	}
	h.feed.detach() // it may never have come
	h.status.Retry = now.Add(pause)
	if len(h.losses) >= lossesAllowed && end.reason != reasonSpec {
		h.disabledUntil = now.Add(disabledFor)
		h.metrics.givenUp.Inc()
		end.final = true
		l.Text += " This happened too often: the class goes on without encoded renditions."
	}
	if !h.wanted {
		return pause, l, false
	}
	if end.final || h.draining {
		h.giveUpLocked(l)
		l.Final = true
		return pause, l, true
	}
	l.Restart = h.status.Retry
	h.opened = false
	h.putLocked(transcode.Event{Lost: &l})
	return pause, l, true
}

// backoff returns the pause after the nth loss in a row, counted from 0.
func backoff(n int) time.Duration {
	if n == 0 {
		return 0
	}
	return min(time.Second<<min(n-1, 10), maxPause)
}
