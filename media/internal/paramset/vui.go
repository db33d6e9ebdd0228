package paramset

// aspectRatio is Table E-1 of ITU-T H.264 and H.265: aspect_ratio_idc to sample
// aspect ratio.
func aspectRatio(idc uint8, width, height uint16) (sarWidth, sarHeight int) {
	table := [...][2]int{
		{1, 1},
		{1, 1},
		{12, 11},
		{10, 11},
		{16, 11},
		{40, 33},
		{24, 11},
		{20, 11},
		{32, 11},
		{80, 33},
		{18, 11},
		{15, 11},
		{64, 33},
		{160, 99},
		{4, 3},
		{3, 2},
		{2, 1},
	}
	const extended = 255
	switch {
	case idc == extended && width > 0 && height > 0:
		return int(width), int(height)
	case int(idc) < len(table):
		return table[idc][0], table[idc][1]
	default:
		return 1, 1
	}
}

// frameRate returns num/den, or 0 (not stated) for what no camera does.
func frameRate(num, den uint64) float64 {
	if num == 0 || den == 0 {
		return 0
	}
	const fastest = 1000
	r := float64(num) / float64(den)
	if r > fastest {
		return 0
	}
	return r
}
