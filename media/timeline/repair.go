package timeline

// Repair names something the timeline did to a sample other than passing it on.
// The value is a metric label.
type Repair uint8

// The repairs.
const (
	// RepairInvalid: the sample named no known track, was empty, or had a
	// timestamp out of any range; it was dropped.
	RepairInvalid Repair = iota + 1
	// RepairTrimmed: the sample lay before the start of its run, or belonged to
	// a format that was not in use yet; it was dropped.
	RepairTrimmed
	// RepairClamped: DTS did not rise and was set one tick after the last, or
	// PTS lay out of range.
	RepairClamped
	// RepairRestamped: a sample far off the clock was put where it belongs.
	RepairRestamped
	// RepairRealigned: one track's clock left the other's; the track was shifted.
	RepairRealigned
	// RepairLate: the sample came after its time had been passed on; sound was
	// dropped, a picture was moved.
	RepairLate
	// RepairSound: an AAC frame was dropped, or a gap made, because the
	// timestamps had left the frame count by more than 40 ms.
	RepairSound
)

// Repairs lists all repairs, for metrics.
func Repairs() []Repair {
	return []Repair{
		RepairInvalid, RepairTrimmed, RepairClamped, RepairRestamped, RepairRealigned, RepairLate, RepairSound,
	}
}

// String returns the value used in metrics.
func (r Repair) String() string {
	switch r {
	case RepairInvalid:
		return "invalid"
	case RepairTrimmed:
		return "trimmed"
	case RepairClamped:
		return "clamped"
	case RepairRestamped:
		return "restamped"
	case RepairRealigned:
		return "realigned"
	case RepairLate:
		return "late"
	case RepairSound:
		return "sound"
	default:
		return "unknown"
	}
}
