package app

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/lectern/lectern/hls/origin"
	"github.com/lectern/lectern/media/stream"
	"github.com/lectern/lectern/realtime/class"
)

// hasEnded reports whether the class is one that can only be read.
func (p *pipelines) hasEnded(id string) bool {
	c, err := p.classes.Get(context.Background(), id)
	return err == nil && c.State == class.Ended
}

// openEnded opens an ended class from disk: with the playlists it ended with.
func (p *pipelines) openEnded(id string) (origin.Presentation, bool) {
	logger := p.logger.With("component", "pipeline", "class", id)
	ctx := context.Background() // it is opened for all who come
	c, err := p.classes.Get(ctx, id)
	if err != nil || c.State != class.Ended {
		return origin.Presentation{}, false // deleted meanwhile
	}
	if _, err = os.Stat(filepath.Join(p.cfg.Data, classesFolder, id)); errors.Is(err, fs.ErrNotExist) {
		return origin.Presentation{}, false // nothing was ever published
	}
	pl, err := p.newPipeline(ctx, c)
	if err != nil {
		logger.Error("media of the class cannot be opened", "err", err)
		return origin.Presentation{}, false
	}
	defer pl.space.Close()
	var pr origin.Presentation
	err = contain("open ended class", func() error {
		log, lerr := p.openLog(pl)
		if lerr != nil {
			return lerr
		}
		packager, perr := p.newPackager(c, noMedia{}, log)
		if perr != nil {
			return perr
		}
		// The server may have been killed as the class ended.
		p.recall(ctx, id, packager)
		pr = origin.Presentation{Playlists: packager, Media: log}
		if perr = packager.Run(ctx); perr != nil {
			return perr
		}
		// Gaps that a crash left in one rendition may have been filled.
		stopped, stop := context.WithCancel(ctx)
		stop()
		return log.Run(stopped)
	})
	if err != nil {
		logger.Error("media of the class cannot be opened", "err", err)
		return origin.Presentation{}, false
	}
	return pr, true
}

// noMedia is the input of a class that has ended: it implements hls.Reader.
type noMedia struct{}

// Next implements hls.Reader.
func (noMedia) Next(context.Context) (stream.Item, error) { return stream.Item{}, stream.ErrEnded }
