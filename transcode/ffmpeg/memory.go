package ffmpeg

/*
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

// lectern_trim gives memory that was freed back to the system.
static void lectern_trim(void) {
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}
*/
import "C"

// trimMemory gives the memory of encoders that are gone back to the system. The C
// library keeps it otherwise, in an area for each thread, and a process that opens
// encoders again and again seems to grow.
func trimMemory() { C.lectern_trim() }
