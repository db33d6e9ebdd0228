package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
)

// Burn keeps one processor core busy until in ends, as it does when whoever
// holds its other end is gone, and returns a figure without meaning. When ctx ends
// it is idle, but still waits for the end of in.
func Burn(ctx context.Context, in io.Reader) uint64 {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	x := uint64(1)
	wg.Go(func() {
		for ctx.Err() == nil {
			for range 1 << 16 {
				x = x*6364136223846793005 + 1442695040888963407
			}
		}
	})
	_, _ = io.Copy(io.Discard, in) // nothing is sent
	stop()
	wg.Wait()
	return x
}

// fire is processes that do nothing but burn processor time.
type fire struct {
	inputs []io.Closer
	cmds   []*exec.Cmd
}

// light starts n of them.
func light(ctx context.Context, binary string, n int) (_ *fire, err error) {
	f := &fire{}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.quench())
		}
	}()
	for range n {
		cmd := exec.CommandContext(ctx, binary, "bench", "burn") //nolint:gosec // the caller's own binary
		in, err := cmd.StdinPipe()
		if err != nil {
			return f, fmt.Errorf("start load: %w", err)
		}
		if err := cmd.Start(); err != nil {
			return f, fmt.Errorf("start load: %w", err)
		}
		f.inputs, f.cmds = append(f.inputs, in), append(f.cmds, cmd)
	}
	return f, nil
}

// quench ends them.
func (f *fire) quench() error {
	var errs []error
	for _, in := range f.inputs {
		errs = append(errs, in.Close())
	}
	for _, cmd := range f.cmds {
		errs = append(errs, cmd.Wait())
	}
	f.inputs, f.cmds = nil, nil
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("end load: %w", err)
	}
	return nil
}
