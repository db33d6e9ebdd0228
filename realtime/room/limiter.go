package room

import (
	"sync"
	"time"

	"github.com/lectern/lectern/realtime"
)

// verdict is what a limiter says of a command.
type verdict uint8

const (
	withinLimit verdict = iota
	beyondLimit
	farBeyondLimit // the connection is to be closed
)

// What happens to people who do not heed their limits.
const (
	violationsWindow = time.Minute
	maxViolations    = 10          // in a window; then nothing is taken for muteTime
	muteTime         = time.Minute // more violations than that again end the connection
	limiterLife      = 5 * time.Minute
)

// kind is a group of commands that share a bucket.
type kind uint8

const (
	chatKind kind = iota
	questionKind
	voteKind
	handKind
	reactionKind
	positionKind
	otherKind
	kinds
)

// rate is a bucket: one token comes each interval, up to burst.
type rate struct {
	interval time.Duration
	burst    float64
}

func rates() [kinds]rate {
	return [kinds]rate{
		chatKind:     {time.Second, 3},
		questionKind: {30 * time.Second, 2},
		voteKind:     {time.Second, 5},
		handKind:     {time.Second, 3},
		reactionKind: {time.Second / 2, 4},
		positionKind: {10 * time.Second, 4},
		otherKind:    {time.Second / 10, 30}, // and all commands of staff
	}
}

func kindOf(t realtime.CommandType) kind {
	switch t {
	case realtime.CommandChatSend, realtime.CommandChatEdit, realtime.CommandChatDelete:
		return chatKind
	case realtime.CommandQuestionAsk:
		return questionKind
	case realtime.CommandPollVote, realtime.CommandQuestionVote, realtime.CommandQuestionMove:
		return voteKind
	case realtime.CommandHandRaise, realtime.CommandHandLower:
		return handKind
	case realtime.CommandReact, realtime.CommandPulse:
		return reactionKind
	case realtime.CommandPosition:
		return positionKind
	default:
		return otherKind
	}
}

// limiter bounds how often one person, with all connections, asks for something.
type limiter struct {
	rates [kinds]rate

	mu         sync.Mutex // guards the fields below
	tokens     [kinds]float64
	filled     [kinds]time.Time
	violations int
	since      time.Time // of violations
	mutedUntil time.Time
	used       time.Time
}

func newLimiter(now time.Time) *limiter {
	l := &limiter{rates: rates(), since: now, used: now}
	for k, r := range l.rates {
		l.tokens[k], l.filled[k] = r.burst, now
	}
	return l
}

// take counts a command and says whether it may be, and if not, when the next may.
func (l *limiter) take(t realtime.CommandType, staff bool, now time.Time) (time.Duration, verdict) {
	k := kindOf(t)
	if staff {
		k = otherKind
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.used = now
	if wait := l.mutedUntil.Sub(now); wait > 0 {
		l.violations++
		if l.violations > maxViolations {
			l.violations = 0 // for the next connection
			return wait, farBeyondLimit
		}
		return wait, beyondLimit
	}
	r := l.rates[k]
	l.tokens[k] = min(r.burst, l.tokens[k]+max(0, float64(now.Sub(l.filled[k]))/float64(r.interval)))
	l.filled[k] = now
	if l.tokens[k] >= 1 {
		l.tokens[k]--
		return 0, withinLimit
	}
	if now.Sub(l.since) > violationsWindow {
		l.since, l.violations = now, 0
	}
	if l.violations++; l.violations > maxViolations {
		l.mutedUntil, l.violations = now.Add(muteTime), 0
		return muteTime, beyondLimit
	}
	return time.Duration((1 - l.tokens[k]) * float64(r.interval)), beyondLimit
}

// idle reports whether nothing would be lost with the limiter.
func (l *limiter) idle(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return now.Sub(l.used) > limiterLife
}

// limits are what clients are told.
func (c Config) limits() realtime.Limits {
	r := rates()
	return realtime.Limits{
		FrameBytes: realtime.MaxFrameBytes, Chat: realtime.MaxChat, Question: realtime.MaxQuestion,
		MessagesMS: int(r[chatKind].interval.Milliseconds()), MessagesBurst: int(r[chatKind].burst),
		QuestionsMS:     int(r[questionKind].interval.Milliseconds()),
		ReactionsPerSec: int(time.Second / r[reactionKind].interval),
		EditMS:          int(c.EditWindow.Milliseconds()),
	}
}
