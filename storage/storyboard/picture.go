package storyboard

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
)

const (
	// maxPictureBytes and maxPicturePixels bound what is decoded: a picture of
	// 1920x1080, in either orientation.
	maxPictureBytes  = 2 << 20
	maxPicturePixels = 1920 * 1080
	maxPictureSide   = 1920
)

// decode returns the picture in data, an image.YCbCr or image.Gray. The error
// wraps ErrPicture.
func decode(data []byte) (image.Image, error) {
	if len(data) > maxPictureBytes {
		return nil, fmt.Errorf("%w: %d bytes", ErrPicture, len(data))
	}
	return decodeJPEG(data, func(w, h int) bool {
		return min(w, h) >= 2 && max(w, h) <= maxPictureSide && w*h <= maxPicturePixels
	})
}

// decodeJPEG decodes data if its size is accepted. The error wraps ErrPicture.
func decodeJPEG(data []byte, accept func(w, h int) bool) (image.Image, error) {
	size, err := jpeg.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPicture, err)
	}
	if !accept(size.Width, size.Height) {
		return nil, fmt.Errorf("%w: %d x %d pixels", ErrPicture, size.Width, size.Height)
	}
	img, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPicture, err)
	}
	switch img.(type) {
	case *image.YCbCr, *image.Gray:
		return img, nil
	default:
		return nil, fmt.Errorf("%w: neither YCbCr nor grey", ErrPicture)
	}
}

// newSheet returns a black sheet. JPEG is full range: black is 0.
func newSheet(cfg Config) *image.YCbCr {
	sheet := image.NewYCbCr(image.Rect(0, 0, cfg.Columns*cfg.TileWidth, cfg.Rows*cfg.TileHeight), image.YCbCrSubsampleRatio420)
	fill(sheet.Cb, 128)
	fill(sheet.Cr, 128)
	return sheet
}

func fill(p []byte, v byte) {
	for i := range p {
		p[i] = v
	}
}

// plane is a part of one component of a picture.
type plane struct {
	pix           []byte // from the part's top left sample on
	stride        int
	width, height int
}

// tile returns the planes of a tile of sheet.
func tile(sheet *image.YCbCr, r image.Rectangle) (y, cb, cr plane) {
	w, h := r.Dx(), r.Dy()
	c := sheet.COffset(r.Min.X, r.Min.Y)
	y = plane{sheet.Y[sheet.YOffset(r.Min.X, r.Min.Y):], sheet.YStride, w, h}
	cb = plane{sheet.Cb[c:], sheet.CStride, w / 2, h / 2}
	cr = plane{sheet.Cr[c:], sheet.CStride, w / 2, h / 2}
	return y, cb, cr
}

// draw scales img into the tile of sheet at r, with black bars where the aspects
// differ.
func draw(sheet *image.YCbCr, r image.Rectangle, img image.Image) {
	y, cb, cr := tile(sheet, r)
	y.set(0)
	cb.set(128)
	cr.set(128)
	size := img.Bounds()
	y, cb, cr = tile(sheet, fit(r, size.Dx(), size.Dy()))
	switch src := img.(type) {
	case *image.YCbCr:
		y.scale(plane{src.Y, src.YStride, size.Dx(), size.Dy()})
		w, h := chromaSize(src.SubsampleRatio, size.Dx(), size.Dy())
		cb.scale(plane{src.Cb, src.CStride, w, h})
		cr.scale(plane{src.Cr, src.CStride, w, h})
	case *image.Gray:
		y.scale(plane{src.Pix, src.Stride, size.Dx(), size.Dy()})
	}
}

// fit returns the largest part of r with the aspect w:h, centred, on even
// samples so that chroma lines up.
func fit(r image.Rectangle, w, h int) image.Rectangle {
	dw, dh := r.Dx(), r.Dy()
	if w*dh > h*dw {
		dh = even(h*dw/w, dh)
	} else {
		dw = even(w*dh/h, dw)
	}
	x, y := r.Min.X+(r.Dx()-dw)/4*2, r.Min.Y+(r.Dy()-dh)/4*2
	return image.Rect(x, y, x+dw, y+dh)
}

// even rounds n up to an even number from 2 to most.
func even(n, most int) int { return min(max((n+1)/2*2, 2), most) }

// chromaSize returns the size of the chroma planes of a w x h picture.
func chromaSize(ratio image.YCbCrSubsampleRatio, w, h int) (int, int) {
	switch ratio {
	case image.YCbCrSubsampleRatio422:
		return (w + 1) / 2, h
	case image.YCbCrSubsampleRatio420:
		return (w + 1) / 2, (h + 1) / 2
	case image.YCbCrSubsampleRatio440:
		return w, (h + 1) / 2
	case image.YCbCrSubsampleRatio411:
		return (w + 3) / 4, h
	case image.YCbCrSubsampleRatio410:
		return (w + 3) / 4, (h + 1) / 2
	default:
		return w, h
	}
}

func (p plane) set(v byte) {
	for row := range p.height {
		fill(p.pix[row*p.stride:][:p.width], v)
	}
}

// scale fills p with src by a box filter: each sample becomes the mean of the
// samples that it covers, at least one. Thin text thus fades and does not vanish.
func (p plane) scale(src plane) {
	sums := make([]uint32, src.width)
	for y := range p.height {
		top := y * src.height / p.height
		bottom := max((y+1)*src.height/p.height, top+1)
		clear(sums)
		for row := top; row < bottom; row++ {
			for x, v := range src.pix[row*src.stride:][:src.width] {
				sums[x] += uint32(v)
			}
		}
		out := p.pix[y*p.stride:][:p.width]
		for x := range out {
			left := x * src.width / p.width
			right := max((x+1)*src.width/p.width, left+1)
			var sum uint32
			for _, v := range sums[left:right] {
				sum += v
			}
			n := uint32((right - left) * (bottom - top))
			out[x] = byte((sum + n/2) / n)
		}
	}
}

// encode returns sheet as JPEG.
func encode(sheet *image.YCbCr, quality int) ([]byte, error) {
	var buf bytes.Buffer
	buf.Grow(64 << 10)
	if err := jpeg.Encode(&buf, sheet, &jpeg.Options{Quality: quality}); err != nil {
		return nil, fmt.Errorf("encode sheet: %w", err)
	}
	return buf.Bytes(), nil
}
