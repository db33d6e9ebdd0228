// Package realtime is the root of what happens beside the video. Today it holds
// nothing itself: package class keeps the classes and package api is their HTTP
// interface. The wire protocol of the room (Event, Command, error and close
// codes) comes to live here.
//
// Nothing under realtime imports package media, and nothing under media imports
// realtime: the composition root bridges the two.
package realtime
