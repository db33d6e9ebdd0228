package origin

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/lectern/lectern/hls"
)

// steeringTTL is how often players ask for the steering manifest, in seconds: the
// value that RFC 8216bis §7 and the content steering draft recommend.
const steeringTTL = 300

// The steering manifest (draft-pantos-content-steering §4; RFC 8216bis §7).
type steeringManifest struct {
	Version   int            `json:"VERSION"`
	TTL       int            `json:"TTL"`
	ReloadURI string         `json:"RELOAD-URI"` // relative, so that it inherits a token
	Priority  []string       `json:"PATHWAY-PRIORITY"`
	Clones    []pathwayClone `json:"PATHWAY-CLONES,omitempty"`
}

// pathwayClone makes a pathway of another by changing the host in its URIs.
type pathwayClone struct {
	BaseID      string         `json:"BASE-ID"`
	ID          string         `json:"ID"`
	Replacement uriReplacement `json:"URI-REPLACEMENT"`
}

type uriReplacement struct {
	Host string `json:"HOST"`
}

// newSteering returns the manifest for the CDNs, nil if there are none. The
// playlists list the first pathway only; the others are its clones.
func newSteering(cdns []Pathway) (*hls.Document, error) {
	if len(cdns) == 0 {
		return nil, nil
	}
	m := steeringManifest{Version: 1, TTL: steeringTTL, ReloadURI: fileSteering}
	for i, p := range cdns {
		m.Priority = append(m.Priority, p.ID)
		if i == 0 {
			continue
		}
		u, err := url.Parse(p.URL)
		if err != nil {
			return nil, fmt.Errorf("steer to %q: %w", p.ID, err)
		}
		m.Clones = append(m.Clones, pathwayClone{BaseID: cdns[0].ID, ID: p.ID, Replacement: uriReplacement{Host: u.Host}})
	}
	body, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("write steering manifest: %w", err)
	}
	sum := sha256.Sum256(body)
	return &hls.Document{Body: body, ETag: `"` + hex.EncodeToString(sum[:12]) + `"`}, nil
}
