package lecture

// A slide is one page of the lecture and what is said to it.
type slide struct {
	title   string
	points  []string
	spoken  string
	formula string // shown large in the middle, if not empty
}

// slides is the lecture. Every sentence is true of the server that plays it.
func slides() []slide {
	return []slide{
		{
			title:  "How a class goes live",
			points: []string{"Lesson 1: from the camera to the last row", "The clock above is burned into the picture", "Compare it with your own: that is the delay"},
			spoken: "Welcome. Today we follow a picture from the camera to a student at home. The clock in the corner is burned into the video, so that everybody can see how far behind they are.",
		},
		{
			title:  "The encoder sends",
			points: []string{"H.264 pictures, 30 a second", "AAC sound, 48,000 samples a second", "A keyframe every 2 seconds"},
			spoken: "The teacher's encoder compresses pictures and sound, and pushes them to the school's own server. Every two seconds it sends a keyframe. A keyframe is a picture that needs no other.",
		},
		{
			title:  "Segments and parts",
			points: []string{"A segment starts at a keyframe", "It lasts about 4 seconds", "It is published in parts of half a second"},
			spoken: "The server cuts the stream into segments of about four seconds. Waiting for a whole segment would be slow, so each one is published in small parts while it grows.",
		},
		{
			title:   "Where the delay comes from",
			formula: "delay = encoder + 3 × part + network",
			points:  []string{"Half-second parts: about two to three seconds", "Whole segments: twelve seconds and more"},
			spoken:  "A player stays three parts behind the live edge. With parts of half a second that is one and a half seconds, and with the encoder and the network we see about two or three.",
		},
		{
			title:  "When the cable is pulled",
			points: []string{"The playlist stays where it is", "The page waits, and says so", "The teacher returns: it plays on by itself"},
			spoken: "What happens when the cable is pulled? The page waits and says so. The teacher comes back within a minute, and the lesson goes on at the same address, by itself.",
		},
		{
			title:  "Two thousand students",
			points: []string{"Every file has a name of its own, for ever", "So a cache may keep it, and serve it again", "The server answers each question once"},
			spoken: "Two thousand students are no problem, because every file can be cached. The school's server answers once, and a delivery network repeats the answer to everyone.",
		},
	}
}
