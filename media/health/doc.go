// Package health tells the person who publishes, in plain words, what is wrong
// with what their encoder sends, and which setting to change. It judges what
// arrives: timestamps, sizes and kinds of access units, the parameter sets, and
// measurements of the sound. It decodes nothing and changes nothing.
//
//	stream.Reader ──Tracks, AccessUnit, Interrupted──▶ Monitor ──▶ Findings, Events
//	transcode     ──Loudness─────────────────────────▶        └──▶ Deps.OnEvent
//
// Tracks, AccessUnit, Interrupted and Loudness belong to one goroutine. They do
// no I/O, start no goroutine and, but for the moment when a finding comes or
// goes, allocate nothing. Findings and Events may be called from any goroutine.
// Memory is fixed: about 10 kB a Monitor.
//
// Give a Monitor the publisher's own stream, not the ladder's: at most one video
// and one audio track are looked at.
//
// # Codes
//
// A finding is raised when its condition has held for the first time and cleared
// when it has not for the second. "Tracks" stands for facts of the parameter
// sets: those come and go with the track list. Media time counts, except where
// arrival is judged, so an interruption counts for nothing; what is raised when a
// publication ends stays until the next one proves better.
//
//	code                 severity  raised  cleared  condition                                    Value
//	keyframes_far_apart  warning   10 s    20 s     more than keyframe_interval apart            s between keyframes
//	keyframes_irregular  info      20 s    40 s     of 8 intervals most are short of the longest s, longest interval
//	frame_rate_low       info      20 s    30 s     below min_frame_rate, and pictures change    pictures/s
//	frames_dropped       problem   10 s    30 s     holes in a regular rate, 15 % or more        pictures/s
//	frame_rate_varies    info      15 s    30 s     rate doubles and halves within 30 s          pictures/s, slowest
//	frame_rate_high      info      5 s     10 s     above 60                                     pictures/s
//	picture_small        warning   Tracks  Tracks   short side below 480                         lines
//	picture_large        info      Tracks  Tracks   larger than 1920x1080                        lines
//	picture_odd          info      Tracks  Tracks   odd width or height                          lines
//	bitrate_high         warning   10 s    20 s     above max_bitrate, mean of 10 s              bit/s
//	bitrate_low          warning   20 s    40 s     at a flat limit far too low for the size     bit/s
//	bitrate_swings       warning   10 s    60 s     peaks 3 times the mean, and high, repeatedly bit/s, peak
//	b_frames_many        info      5 s     30 s     more than 3 pictures reordered               pictures
//	interlaced           warning   Tracks  Tracks   pictures may be fields                       0
//	ten_bit              info      Tracks  Tracks   more than 8 bits a sample                    bits
//	chroma               info      Tracks  Tracks   not 4:2:0                                    chroma_format_idc
//	codec_transcoded     info      Tracks  Tracks   pictures not in H.264                        0
//	sound_missing        problem   5 s     8 s      no audio track, or nothing of it for 10 s    0
//	silence              problem   10 s    15 s     -70 LUFS or less                             s of silence
//	too_quiet            warning   20 s    30 s     below quiet_loudness while there is sound    LUFS
//	clipping             warning   5 s     30 s     samples at full scale again and again        samples/s
//	mono                 info      Tracks  Tracks   one channel                                  0
//	clock_drift          warning   3 min   2 min    more than max_drift a minute, steadily       ms/min
//	gaps                 problem   at once 2 min    media missing within a minute                s missing
//	stalls               problem   at once 2 min    nothing for longer than stall, then a burst  s, longest
//	lag                  warning   10 s    20 s     arrives max_lag later than at first          s
//
// gaps wants 3 holes, or 2 s without sound, in a minute; stalls wants 2, or one
// twice as long. frames_dropped needs a rate to compare with: the one that the VUI
// states, or that the encoder has kept for 5 s. Sound is silent too when there
// are no measurements and AAC frames are too small for any sound.
//
// What looks wrong and is not: a still slide is a handful of bytes a picture at
// whatever rate; a screen share sends pictures only when something changes; a
// scene cut brings an extra keyframe; a file, a phone or a camera may have a
// variable rate. None of them raises more than an info.
//
// When a Reader was too slow and access units were lost, it hands on a
// Discontinuity: call Tracks, and nothing is blamed on the publisher. The time
// of receipt that AccessUnit takes includes what the server held it back for, up
// to a second; limits are chosen accordingly.
package health
