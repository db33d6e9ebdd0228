package bench

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// clockTick is the unit of times in /proc/PID/stat: USER_HZ is 100 on Linux.
const clockTick = 10 * time.Millisecond

// processStat is what /proc/PID/stat says of a process (proc_pid_stat(5)).
type processStat struct {
	parent int
	cpu    time.Duration // of the process, without its children
}

// parseStat reads the content of /proc/PID/stat.
func parseStat(content string) (processStat, error) {
	// The command may contain anything, so fields are counted from its closing
	// parenthesis on. ppid, utime and stime are the 4th, 14th and 15th of all.
	end := strings.LastIndex(content, ") ")
	if end < 0 {
		return processStat{}, errors.New("unexpected /proc/PID/stat")
	}
	fields := strings.Fields(content[end+2:])
	const ppid, utime, stime = 4 - 3, 14 - 3, 15 - 3
	if len(fields) <= stime {
		return processStat{}, errors.New("unexpected /proc/PID/stat")
	}
	var numbers [3]int64
	for k, i := range []int{ppid, utime, stime} {
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return processStat{}, fmt.Errorf("unexpected /proc/PID/stat: %w", err)
		}
		numbers[k] = n
	}
	return processStat{parent: int(numbers[0]), cpu: time.Duration(numbers[1]+numbers[2]) * clockTick}, nil
}

func readStat(pid int) (processStat, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return processStat{}, fmt.Errorf("read cpu time: %w", err)
	}
	return parseStat(string(b))
}

// machineStat is what the processors have done since the machine started, all
// together.
type machineStat struct {
	busy   time.Duration
	stolen time.Duration // taken by the hypervisor for others
}

// parseMachine reads the first line of /proc/stat (proc_stat(5)): user, nice,
// system, idle, iowait, irq, softirq and steal.
func parseMachine(content string) (machineStat, error) {
	line, _, _ := strings.Cut(content, "\n")
	fields := strings.Fields(line)
	const idle, iowait, steal = 4, 5, 8
	if len(fields) <= steal || fields[0] != "cpu" {
		return machineStat{}, errors.New("unexpected /proc/stat")
	}
	var out machineStat
	for i := 1; i <= steal; i++ {
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return machineStat{}, fmt.Errorf("unexpected /proc/stat: %w", err)
		}
		switch i {
		case idle, iowait:
		case steal:
			out.stolen = time.Duration(n) * clockTick
		default:
			out.busy += time.Duration(n) * clockTick
		}
	}
	return out, nil
}

func readMachine() (machineStat, error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return machineStat{}, fmt.Errorf("read cpu time: %w", err)
	}
	return parseMachine(string(b))
}

// readResident returns the resident memory of a process in bytes.
func readResident(pid int) (int64, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0, fmt.Errorf("read memory: %w", err)
	}
	fields := strings.Fields(string(b))
	if len(fields) < 2 {
		return 0, errors.New("read memory: unexpected /proc/PID/statm")
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read memory: %w", err)
	}
	return pages * int64(os.Getpagesize()), nil
}

// children returns the CPU time of each process that pid has started. One that
// ends meanwhile is left out.
func children(pid int) (map[int]time.Duration, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	out := map[int]time.Duration{}
	for _, e := range entries {
		id, err := strconv.Atoi(e.Name())
		if err != nil {
			continue // not a process
		}
		if st, err := readStat(id); err == nil && st.parent == pid {
			out[id] = st.cpu
		}
	}
	return out, nil
}

// meter follows what a server and its worker processes use. Workers come and go,
// so it has to look often: what one uses after the last look is not counted.
type meter struct {
	pid     int
	before  time.Duration         // CPU time of the server at the latest look
	workers map[int]time.Duration // and of the workers
	machine machineStat           // and of all there is
	used    spending
}

// spending is what a meter has seen.
type spending struct {
	server, workers             time.Duration // CPU time
	machine                     machineStat
	others                      []time.Duration // CPU time of all but these, from look to look
	serverMemory, workersMemory int64           // bytes resident, at most; of all workers together
}

func newMeter(pid int) (*meter, error) {
	m := &meter{pid: pid}
	err := m.look()
	m.take()
	return m, err
}

// look notes what was used since the last look.
func (m *meter) look() error {
	st, err := readStat(m.pid)
	if err != nil {
		return err
	}
	own := st.cpu - m.before
	m.used.server += own
	m.before = st.cpu
	memory, err := readResident(m.pid)
	if err != nil {
		return err
	}
	m.used.serverMemory = max(m.used.serverMemory, memory)

	now, err := children(m.pid)
	if err != nil {
		return err
	}
	memory = 0
	for id, cpu := range now {
		own += cpu - m.workers[id]
		m.used.workers += cpu - m.workers[id]
		if n, gone := readResident(id); gone == nil { // it may have ended
			memory += n
		}
	}
	m.workers = now
	m.used.workersMemory = max(m.used.workersMemory, memory)

	all, err := readMachine()
	if err != nil {
		return err
	}
	busy, stolen := all.busy-m.machine.busy, all.stolen-m.machine.stolen
	m.machine = all
	m.used.machine.busy += busy
	m.used.machine.stolen += stolen
	m.used.others = append(m.used.others, busy+stolen-own)
	return nil
}

// highest returns the largest sum of n values that follow each other, or of all
// if there are fewer.
func highest(values []time.Duration, n int) time.Duration {
	var most, sum time.Duration
	for i, v := range values {
		sum += v
		if i >= n {
			sum -= values[i-n]
		}
		most = max(most, sum)
	}
	return most
}

// take returns what was used since the last call.
func (m *meter) take() spending {
	out := m.used
	m.used = spending{}
	return out
}
