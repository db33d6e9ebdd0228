package class_test

import (
	"path/filepath"
	"testing"

	"github.com/lectern/lectern/realtime/class"
	"github.com/lectern/lectern/storage/kv"
)

// BenchmarkAuthorize is what a flood of wrong keys costs before anything is
// allocated for the connection.
func BenchmarkAuthorize(b *testing.B) {
	db, err := kv.Open(filepath.Join(b.TempDir(), "lectern.db"), kv.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	r, err := class.NewRegistry(class.DefaultConfig(), class.Deps{DB: db})
	if err != nil {
		b.Fatal(err)
	}
	var last class.Class
	for range 200 {
		if last, err = r.Create(b.Context(), class.New{Title: "x"}); err != nil {
			b.Fatal(err)
		}
	}
	for name, key := range map[string]string{"right": last.StreamKey.Reveal(), "wrong": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Authorize(b.Context(), key); (err == nil) != (name == "right") {
					b.Fatal(err)
				}
			}
		})
	}
}
