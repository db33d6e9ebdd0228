// Command lectern is the server, its demo and the tools around it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal stops the server in good order; a second one, coming
	// after stop has put the default back, ends the process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], environment{stdout: os.Stdout, stderr: os.Stderr, environ: os.Environ()}))
}

// environment is what a command may touch of the world outside.
type environment struct {
	stdout, stderr io.Writer
	environ        []string
}

// A command is one word after "lectern".
type command struct {
	name, args, summary string
	run                 func(ctx context.Context, args []string, env environment) error
}

func commands() []command {
	return []command{
		{"serve", "[-config FILE] [-addr-file FILE]", "run the server", serve},
		{"demo", "", "run a server with a lecture on it, and print where to watch", demo},
		{"check", "URL [-duration 60s] [-json]", "watch an HLS presentation and report the rules it breaks", check},
		{"class", "create|set|list|show|end|delete|stream-key|studio|attendance|token|revoke …", "work with the classes of a running server", class},
		{"doctor", "[-config FILE] [-json]", "measure what this machine can carry, and look for what is missing", doctor},
		{"bench", "ingest|herd|ladder|pressure|cycles|serve|viewers|idle|dvr|soak|hostile [-n N] [-duration 20s] …", "load a server of its own on this machine and report what that costs", benchmark},
		{"config", "check|reference [-config FILE]", "check a configuration, or print every setting", config},
		{"version", "", "print the version", version},
		{"worker", "", "encode for a server (the server starts it)", encoderProcess},
	}
}

// usageError is returned for a command line that cannot be understood; the
// answer is the usage text and exit status 2.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

// run executes one command line and returns the exit status: 0 done, 1 failed,
// 2 not understood.
func run(ctx context.Context, args []string, env environment) int {
	if len(args) == 0 {
		usage(env.stderr)
		return 2
	}
	if args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		usage(env.stdout)
		return 0
	}
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		err := c.run(ctx, args[1:], env)
		var misuse *usageError
		switch {
		case err == nil, errors.Is(err, flag.ErrHelp):
			return 0
		case errors.As(err, &misuse):
			fmt.Fprintf(env.stderr, "lectern %s: %s\nusage: lectern %s %s\n", c.name, misuse.text, c.name, c.args)
			return 2
		default:
			fmt.Fprintf(env.stderr, "lectern %s: %s\n", c.name, strings.ReplaceAll(err.Error(), "\n", "\n  "))
			return 1
		}
	}
	fmt.Fprintf(env.stderr, "lectern: there is no command %q\n\n", args[0])
	usage(env.stderr)
	return 2
}

func usage(w io.Writer) {
	fmt.Fprint(w, "Lectern serves live lessons from your own hardware.\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  lectern %-8s %s\n", c.name, c.summary)
	}
	fmt.Fprint(w, "\n\"lectern COMMAND -h\" tells the options of a command.\n")
}

// flags returns a flag set that reports mistakes as usageError.
func flags(name string, env environment) *flag.FlagSet {
	fs := flag.NewFlagSet("lectern "+name, flag.ContinueOnError)
	fs.SetOutput(env.stdout) // -h only: parse hides the rest
	return fs
}

// parse parses args, of which all must be flags but the first positional ones.
func parse(fs *flag.FlagSet, args []string, positional int) ([]string, error) {
	var rest []string
	for {
		out := fs.Output()
		asked := len(args) > 0 && (args[0] == "-h" || args[0] == "-help" || args[0] == "--help")
		if !asked {
			fs.SetOutput(io.Discard)
		}
		err := fs.Parse(args)
		fs.SetOutput(out)
		if errors.Is(err, flag.ErrHelp) {
			if !asked {
				fs.Usage()
			}
			return nil, flag.ErrHelp
		}
		if err != nil {
			return nil, &usageError{err.Error()}
		}
		if fs.NArg() == 0 {
			return rest, nil
		}
		// Flags may follow words: take one word, go on.
		rest, args = append(rest, fs.Arg(0)), fs.Args()[1:]
		if len(rest) > positional {
			return nil, &usageError{fmt.Sprintf("unexpected %q", fs.Arg(0))}
		}
	}
}

func version(_ context.Context, args []string, env environment) error {
	if _, err := parse(flags("version", env), args, 0); err != nil {
		return err
	}
	v := "devel"
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Version != "" && info.Main.Version != "(devel)" {
			v = info.Main.Version
		}
		v += " " + info.GoVersion
	}
	_, err := fmt.Fprintf(env.stdout, "lectern %s\n", v)
	return err
}
