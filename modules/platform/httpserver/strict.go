package httpserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"

	"mall/modules/platform/fault"
	"mall/modules/platform/jsoncheck"
)

// A request is read once, and by one rule: what a check has seen is what the handler gets. So whatever two readers could
// understand differently is refused before either of them reads.

// query is what stands behind the question mark.
type query url.Values

func readQuery(raw string) (query, error) {
	if raw == "" {
		return nil, nil //nolint:nilnil // no query is a proper one
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, fault.Invalidf("", "bad_request", "The query is not encoded as it must be.")
	}
	for name, all := range values {
		if !utf8.ValidString(name) || !utf8.ValidString(strings.Join(all, "")) {
			return nil, fault.Invalidf(shown(name), "bad_request", "The query is not UTF-8.")
		}
	}
	return query(values), nil
}

// once refuses a parameter that comes twice: one reader would take the first, another the last.
func (q query) once(op *operation) error {
	for name, all := range q {
		if len(all) > 1 && (op == nil || !op.lists[name]) {
			return fault.Invalidf(shown(name), "bad_request", "A parameter of the query comes twice.")
		}
	}
	return nil
}

// packed says that the body is said to be something else than it is: nothing here unpacks it, and what does so elsewhere would
// read another text.
func packed(encodings []string) bool {
	return len(encodings) > 1 || len(encodings) == 1 && encodings[0] != "" && !strings.EqualFold(encodings[0], "identity")
}

// checkBody reads the body, holds it against the description, and leaves it for the handler as it came.
func (op *operation) checkBody(r *http.Request) error {
	if op.body == nil {
		return nil
	}
	text, err := readBody(r)
	if err != nil {
		return err
	}
	if len(text) == 0 {
		if op.empty {
			return nil
		}
		return badBody("Value is required but missing.")
	}
	if packed(r.Header["Content-Encoding"]) {
		return badBody("The body must not be compressed.")
	}
	if !plainJSON(r.Header["Content-Type"]) {
		return badBody("The body must be application/json in UTF-8.")
	}
	if err := jsoncheck.Strict(text); err != nil {
		return badBody(sentence(err.Error()))
	}
	var value any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		return badBody("The text is not one JSON value.")
	}
	if err := op.body.VisitJSON(value, openapi3.VisitAsRequest()); err != nil {
		return refusal("body", err)
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	return nil
}

func badBody(reason string) error { return fault.Invalidf("body", "bad_request", "%s", reason) }

// readBody reads all of it, within the limits of size and time.
func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	text, err := io.ReadAll(r.Body)
	var large *http.MaxBytesError
	var slow net.Error
	switch {
	case err == nil:
		return text, nil
	case errors.As(err, &large):
		return nil, tooLarge(large.Limit)
	case errors.As(err, &slow) && slow.Timeout():
		return nil, fault.New(fault.Invalid, codeSlow, "The body took too long to come.")
	}
	return nil, fault.Wrap(fault.Invalid, "bad_request", "The body did not come.", err)
}

// codeSlow is answered with status 408.
const codeSlow = "too_slow"

// plainJSON says that the one header names JSON, in UTF-8 where it names an encoding at all.
func plainJSON(header []string) bool {
	if len(header) != 1 {
		return false
	}
	if header[0] == jsonType {
		return true
	}
	name, parameters, err := mime.ParseMediaType(header[0])
	if err != nil || name != jsonType {
		return false
	}
	charset, there := parameters["charset"]
	return len(parameters) == 0 || len(parameters) == 1 && there && strings.EqualFold(charset, "utf-8")
}
