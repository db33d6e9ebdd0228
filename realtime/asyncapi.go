package realtime

import _ "embed"

// AsyncAPI is the document of the protocol, AsyncAPI 3.0 in JSON.
//
//go:embed asyncapi.json
var AsyncAPI string
