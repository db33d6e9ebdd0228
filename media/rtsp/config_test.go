package rtsp

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestConfigValidate(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Errorf("defaults: %v", err)
	}
	var c Config
	c.UDPPort = 7
	err := c.Validate()
	for _, key := range []string{
		"max_connections", "max_connections_per_ip", "publish_timeout", "idle_timeout", "media_timeout", "write_timeout",
		"udp_port", "pull.transport", "pull.timeout", "pull.reconnect_min", "pull.reconnect_max",
	} {
		if err == nil || !strings.Contains(err.Error(), "rtsp."+key+":") && key != "pull.reconnect_max" {
			t.Errorf("rtsp.%s is not reported in: %v", key, err)
		}
	}
	if _, err := NewServer(c, Deps{}); err == nil {
		t.Error("NewServer takes a bad configuration")
	}
}

func TestMetricNames(t *testing.T) {
	reg := prometheus.NewRegistry()
	m := NewMetrics(reg)
	m.publications.WithLabelValues(protocolPull).Inc()
	problems, err := testutil.GatherAndLint(reg)
	must(t, err)
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}
