package storyboard

import (
	"errors"
	"fmt"
	"time"
)

// Config is the `storyboard` section of the configuration file.
type Config struct {
	// Interval is how far apart tiles are, in media time. Pictures that come in
	// less than half of it only become the latest one. It should be what the
	// ladder makes thumbnails at. Default 10s, range 1s to 5m. Lower it for finer
	// previews at the price of more bytes.
	Interval time.Duration `yaml:"interval"`

	// TileWidth is the width of a tile in pixels; a picture keeps its aspect and
	// gets black bars. Default 160, even, range 32 to 640. Bytes grow with it.
	TileWidth int `yaml:"tile_width"`

	// TileHeight is the height of a tile in pixels. Default 90, even, range 18 to
	// 480. Bytes grow with it.
	TileHeight int `yaml:"tile_height"`

	// Columns is how many tiles stand side by side in a sheet. Default 5, range 1
	// to 10. A larger sheet means fewer requests, and more bytes for each new tile
	// while the class is live.
	Columns int `yaml:"columns"`

	// Rows is how many rows of tiles a sheet has. Default 5, range 1 to 10, as
	// with columns.
	Rows int `yaml:"rows"`

	// Quality is that of the sheets' JPEG coding. Default 70, range 20 to 95.
	// Bytes grow with it.
	Quality int `yaml:"quality"`

	// MaxTiles is how many tiles a class gets. Default 4500, range 25 to 20000.
	// It bounds the disk: about 4 kB each at the default size.
	MaxTiles int `yaml:"max_tiles"`

	// Grace is how long a growing sheet can still be fetched after the next one
	// has taken its place. Default 1m, range 10s to 1h. It must exceed the time
	// that caches keep storyboard.vtt.
	Grace time.Duration `yaml:"grace"`
}

// DefaultConfig returns the configuration in force when nothing is set.
func DefaultConfig() Config {
	return Config{
		Interval:   10 * time.Second,
		TileWidth:  160,
		TileHeight: 90,
		Columns:    5,
		Rows:       5,
		Quality:    70,
		MaxTiles:   4500,
		Grace:      time.Minute,
	}
}

// Validate reports every broken constraint, each under its key.
func (c Config) Validate() error {
	var errs []error
	number := func(key string, n, low, high int) {
		if n < low || n > high {
			errs = append(errs, fmt.Errorf("storyboard.%s: %d is outside %d to %d", key, n, low, high))
		}
	}
	span := func(key string, d, low, high time.Duration) {
		if d < low || d > high {
			errs = append(errs, fmt.Errorf("storyboard.%s: %s is outside %s to %s", key, d, low, high))
		}
	}
	span("interval", c.Interval, time.Second, 5*time.Minute)
	number("tile_width", c.TileWidth, 32, 640)
	number("tile_height", c.TileHeight, 18, 480)
	if c.TileWidth%2 != 0 {
		errs = append(errs, fmt.Errorf("storyboard.tile_width: %d is odd", c.TileWidth))
	}
	if c.TileHeight%2 != 0 {
		errs = append(errs, fmt.Errorf("storyboard.tile_height: %d is odd", c.TileHeight))
	}
	number("columns", c.Columns, 1, 10)
	number("rows", c.Rows, 1, 10)
	number("quality", c.Quality, 20, 95)
	number("max_tiles", c.MaxTiles, 25, 20000)
	span("grace", c.Grace, 10*time.Second, time.Hour)
	return errors.Join(errs...)
}

// tiles is how many tiles a sheet has.
func (c Config) tiles() int { return c.Columns * c.Rows }
