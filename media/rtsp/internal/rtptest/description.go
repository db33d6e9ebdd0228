package rtptest

// Pieces of session descriptions (RFC 8866) as encoders write them: SDPHead and
// one or more medias make a whole one.
const (
	SDPHead = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=Stream\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n"
	SDPH264 = "m=video 0 RTP/AVP 96\r\na=control:streamid=0\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1; sprop-parameter-sets=Z2QAKKwbGoB4Aiflmm5oEBAUAAAPpAAB1MA=,aOpDyyLA; profile-level-id=640028\r\n"
	SDPAAC  = "m=audio 0 RTP/AVP 97\r\na=control:streamid=1\r\na=rtpmap:97 MPEG4-GENERIC/48000/2\r\na=fmtp:97 profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3; config=119056E500\r\n"
)
