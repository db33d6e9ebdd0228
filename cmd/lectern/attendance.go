package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/lectern/lectern/realtime/api"
)

// printAttendance prints who is or was in the room of a class.
func printAttendance(ctx context.Context, client *api.Client, id string, asJSON, asCSV bool, env environment) error {
	if asCSV {
		table, err := client.AttendanceTable(ctx, id)
		if err != nil {
			return err
		}
		if _, err = env.stdout.Write(table); err != nil {
			return fmt.Errorf("print attendance: %w", err)
		}
		return nil
	}
	all, err := client.Attendance(ctx, id)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(all, env)
	}
	w := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)
	if _, err = fmt.Fprintln(w, "PARTICIPANT\tROLE\tFIRST\tLAST\tTIME\tNAME"); err != nil {
		return fmt.Errorf("print attendance: %w", err)
	}
	for _, a := range all.Participants {
		last := a.Last.Local().Format(time.DateTime)
		if a.Present {
			last = "present"
		}
		if _, err = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", a.Participant, a.Role, a.First.Local().Format(time.DateTime), last,
			time.Duration(a.Seconds)*time.Second, a.Name); err != nil {
			return fmt.Errorf("print attendance: %w", err)
		}
	}
	return w.Flush()
}
