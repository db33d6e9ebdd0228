package rtsp

import (
	"fmt"
	"net"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
)

// serverName is the Server header of responses.
const serverName = "Lectern"

// keyPath is what a publisher's path starts with; the stream key follows.
const keyPath = "/live/"

// handler is what the library calls. Its methods run on the goroutines of
// connections and sessions, outside any recover of the library: each has its
// own. There is no OnPause: PAUSE is answered with 501.
type handler struct {
	server    *Server
	authorize func(key string, p *publisher) (streamName string, err error)
	stopping  <-chan struct{}
	watch     func(func()) // starts a goroutine that Server.Run waits for
}

// guard keeps a panic in a callback from ending the process.
func (h *handler) guard(onPanic func()) {
	if r := recover(); r != nil {
		h.server.deps.Metrics.media.Panics.Inc()
		h.server.logger.Error("panic in rtsp callback", "err", fmt.Sprint(r), "stack", string(debug.Stack()))
		onPanic()
	}
}

// OnDescribe implements gortsplib.ServerHandlerOnDescribe: nothing is played.
func (h *handler) OnDescribe(*gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return playRefused(), nil, nil
}

// OnPlay implements gortsplib.ServerHandlerOnPlay.
func (h *handler) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	return playRefused(), nil
}

func playRefused() *base.Response {
	return &base.Response{
		StatusCode:    base.StatusMethodNotAllowed,
		StatusMessage: "This server takes streams over RTSP and plays none. Watch the class on its page.",
		Header:        base.Header{"Allow": base.HeaderValue{"OPTIONS, ANNOUNCE, SETUP, RECORD, GET_PARAMETER, TEARDOWN"}},
	}
}

// OnAnnounce implements gortsplib.ServerHandlerOnAnnounce: key and description
// are checked here, so that a refusal comes before any media.
func (h *handler) OnAnnounce(ctx *gortsplib.ServerHandlerOnAnnounceCtx) (res *base.Response, err error) {
	p := &publisher{server: h.server, session: ctx.Session, conn: peerOf(ctx.Conn), stopping: h.stopping}
	defer h.guard(func() { res, err = p.refuse(errPanic) })
	if p.conn == nil {
		return p.refuse(errPanic)
	}
	p.remote = p.conn.Remote()
	if err := p.admit(ctx, h.authorize); err != nil {
		return p.refuse(err)
	}
	ctx.Session.SetUserData(p)
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// OnSetup implements gortsplib.ServerHandlerOnSetup.
func (h *handler) OnSetup(ctx *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if _, ok := ctx.Session.UserData().(*publisher); !ok {
		return playRefused(), nil, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, nil, nil
}

// OnRequest implements gortsplib.ServerHandlerOnRequest.
func (h *handler) OnRequest(_ *gortsplib.ServerConn, req *base.Request) {
	stripSources(req.Header)
}

// stripSources removes `source` from Transport headers (RFC 2326 §12.39) unless
// it is an address: the library would ask the resolver, which no stranger and no
// camera may make us do.
func stripSources(h base.Header) {
	for i, value := range h["Transport"] {
		transports := strings.Split(value, ",")
		for j, transport := range transports {
			parts := slices.DeleteFunc(strings.Split(transport, ";"), func(part string) bool {
				name, source, _ := strings.Cut(strings.TrimSpace(part), "=")
				return name == "source" && net.ParseIP(strings.Trim(source, `"`)) == nil
			})
			transports[j] = strings.Join(parts, ";")
		}
		h["Transport"][i] = strings.Join(transports, ",")
	}
}

// OnRecord implements gortsplib.ServerHandlerOnRecord: the publication begins.
func (h *handler) OnRecord(ctx *gortsplib.ServerHandlerOnRecordCtx) (res *base.Response, err error) {
	p, ok := ctx.Session.UserData().(*publisher)
	if !ok {
		return playRefused(), nil
	}
	defer h.guard(func() { res, err = p.refuse(errPanic) })
	if c := peerOf(ctx.Conn); c != nil {
		p.conn = c // may be another connection than the one that announced
	}
	if err := p.begin(); err != nil {
		return p.refuse(err)
	}
	h.watch(p.watch)
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// OnSessionClose implements gortsplib.ServerHandlerOnSessionClose. No packet
// comes after it.
func (h *handler) OnSessionClose(ctx *gortsplib.ServerHandlerOnSessionCloseCtx) {
	defer h.guard(func() {})
	if p, ok := ctx.Session.UserData().(*publisher); ok {
		p.end(ctx.Error)
	}
}

// OnResponse implements gortsplib.ServerHandlerOnResponse.
func (h *handler) OnResponse(_ *gortsplib.ServerConn, res *base.Response) {
	res.Header["Server"] = base.HeaderValue{serverName}
}

// OnDecodeError implements gortsplib.ServerHandlerOnDecodeError. Without it the
// library prints to the standard logger.
func (h *handler) OnDecodeError(*gortsplib.ServerHandlerOnDecodeErrorCtx) {
	h.server.deps.Metrics.media.PacketsUnreadable.Inc()
}

// OnPacketsLost implements gortsplib.ServerHandlerOnPacketsLost. The depacketiser
// counts by itself; without this method the library prints.
func (h *handler) OnPacketsLost(*gortsplib.ServerHandlerOnPacketsLostCtx) {}

// OnStreamWriteError implements gortsplib.ServerHandlerOnStreamWriteError, for
// the same reason.
func (h *handler) OnStreamWriteError(*gortsplib.ServerHandlerOnStreamWriteErrorCtx) {}

// peerOf returns our connection under the library's.
func peerOf(c *gortsplib.ServerConn) *peerConn {
	p, _ := c.NetConn().(*peerConn)
	return p
}

// streamKey takes the key out of a request path.
func streamKey(path string) (string, bool) {
	key, ok := strings.CutPrefix(path, keyPath)
	key = strings.TrimSuffix(key, "/")
	return key, ok && key != "" && !strings.Contains(key, "/")
}
