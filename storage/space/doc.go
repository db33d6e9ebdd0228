// Package space says whether there is room for recordings: it watches the file
// system of the data folder and counts the bytes of every class.
//
//	segment.Log ──Take, Give──▶ Account ──▶ Monitor ◀──statfs, sizes of folders── Run
//	API, readiness ◀──State────────────────── Monitor
//
// There are three limits, each known by its configuration key:
//
//	space.high_water   how full the file system may get, whoever fills it
//	space.total_bytes  what all classes may hold together
//	space.class_bytes  what one class may hold
//
// Whoever writes a file asks for its bytes first (Take) and gives them back when
// the file was not written or has been removed (Give). A refusal is an error that
// wraps [ErrFull] and names the limit. It is no fault of the class: the lesson
// goes on live, and what is not written becomes a gap in its recording.
//
// A limit that has refused once goes on refusing until its use is down to
// low_water percent (of the file system, or of the quota). Without that the small
// files of a class would still be written while its large ones are not, and a
// recording would be full of holes.
//
// Take and Give take one short lock, never wait for a disk, and may be called
// from any goroutine. Between two looks at the file system the Monitor adds what
// was taken since, so that a burst cannot run past the mark; a large one brings
// the next look forward. What was taken before a look and reaches the disk after
// it is not known: the distance from high_water to the end of the file system is
// the reserve for that, and should exceed the write queues of the classes that
// are live at the same time.
//
// total_bytes counts the classes that are not open as well. Run measures their
// folders, first at the start: until that is done only open classes count.
//
// The package writes and deletes nothing.
package space
