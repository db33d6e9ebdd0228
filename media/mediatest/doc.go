// Package mediatest makes small, valid media for tests: H.264 and HEVC (with
// and without B pictures, any GOP length and frame rate) and AAC-LC, as the
// samples a demuxer would emit. The bytes come from real encoders and decode
// without errors; a minute of them weighs about 100 kB.
//
//	src := mediatest.New(t, mediatest.Config{GOP: 60, BFrames: true})
//	pub.SetTracks(src.Tracks())
//	for _, s := range src.Take(10 * time.Second) {
//		pub.Write(s)
//	}
//
// [Source] is the encoder, [Clock] a wall clock that moves when it is told to,
// [Push] a publisher in real time on such a clock, [Recorder] the far end for a
// test of a demuxer, [Eventually] a wait for a state. The package starts no
// goroutine and is imported by tests and benchmarks only.
package mediatest
