package class

// Access says who may play a class.
type Access string

// The kinds of access. A class that the registry hands out always has one.
const (
	AccessPublic Access = "public" // anybody who knows the URL
	AccessToken  Access = "token"  // whoever has a viewer token for it
)

// Accesses returns all kinds of access.
func Accesses() []Access { return []Access{AccessPublic, AccessToken} }

// valid reports whether a is one of the kinds.
func (a Access) valid() bool { return a == AccessPublic || a == AccessToken }
