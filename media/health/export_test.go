package health

// Sentence lets tests read all sentences.
func Sentence(c Code, value, other float64) (text, setting string) { return sentence(c, value, other) }
