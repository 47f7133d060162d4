package httpserver_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"mall/modules/platform/apidoc"
	"mall/modules/platform/httpserver"
	"mall/modules/platform/identity"
)

const strictPart = `
paths:
  /subjects:
    get:
      operationId: listSubjects
      parameters:
        - {name: state, in: query, schema: {type: string}}
        - {name: tag, in: query, schema: {type: array, items: {type: string}}}
      responses: {'200': {description: ok}}
    patch:
      operationId: changeSubject
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              properties:
                state: {type: string, enum: [open, done]}
                note: {type: string}
                inner: {type: object, properties: {n: {type: integer}}}
                all: {type: array, items: {$ref: '#/components/schemas/Item'}}
                free: {type: object, additionalProperties: true}
                raw: {type: object, x-go-type: json.RawMessage}
                by_name: {type: object, additionalProperties: {type: object, properties: {n: {type: integer}}}}
      responses: {'200': {description: ok}}
  /maybe:
    post:
      operationId: maybe
      requestBody: {content: {application/json: {schema: {type: object, properties: {a: {type: string}}}}}}
      responses: {'200': {description: ok}}
components:
  schemas:
    Item: {type: object, properties: {n: {type: integer}, next: {$ref: '#/components/schemas/Item'}}}
`

func strictServer(t *testing.T) *httpserver.Server {
	t.Helper()
	spec, err := apidoc.Merge([]byte(base), []byte(strictPart))
	if err != nil {
		t.Fatal(err)
	}
	s, err := httpserver.New(settings(), spec, httpserver.Deps{Members: doorman{&identity.Principal{MemberID: someone}},
		Registry: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	echoBody := func(c echo.Context) error {
		text, err := io.ReadAll(c.Request().Body)
		if err != nil {
			return err
		}
		return c.Blob(http.StatusOK, "application/json", text)
	}
	s.API.PATCH("/subjects", echoBody)
	s.API.GET("/subjects", echoBody)
	s.API.POST("/maybe", echoBody)
	return s
}

// What two readers could understand differently reaches none of them.
func TestABodyIsReadOnceAndStrictly(t *testing.T) {
	s := strictServer(t)
	const json = "application/json"
	for _, tc := range []struct {
		name, contentType, body string
		status                  int
		field                   string
	}{
		{"plain", json, `{"state":"open","note":"안녕 😀"}`, 200, ""},
		{"a pair of escapes", json, `{"note":"\ud83d\ude00"}`, 200, ""},
		{"charset", "application/json; charset=UTF-8", `{"state":"open"}`, 200, ""},
		{"free objects", json, `{"free":{"a":1,"B":{"c":2}},"raw":{"id":"x"},"by_name":{"a":{"n":1},"b":{}}}`, 200, ""},
		{"nested", json, `{"inner":{"n":1},"all":[{"n":1,"next":{"n":2}}]}`, 200, ""},

		{"another case", json, `{"state":"open","STATE":"hacked!"}`, 400, "body"},
		{"another case alone", json, `{"STATE":"hacked!"}`, 400, "STATE"},
		{"another case by Unicode", json, `{"\u017ftate":"hacked!"}`, 400, "body"},
		{"another case, nested", json, `{"inner":{"N":1}}`, 400, "inner.N"},
		{"another case, in a list", json, `{"all":[{"n":1},{"next":{"N":1}}]}`, 400, "all.1.next.N"},
		{"another case, by name", json, `{"by_name":{"a":{"N":1}}}`, 400, "by_name.a.N"},
		{"doubled", json, `{"state":"open","state":"hacked!"}`, 400, "body"},
		{"doubled, bad first", json, `{"state":"hacked!","state":"open"}`, 400, "body"},
		{"doubled in what is free", json, `{"free":{"a":1,"a":2}}`, 400, "body"},
		{"unknown", json, `{"state":"open","admin":true}`, 400, "admin"},
		{"unknown, of no name's shape", json, `{"<b>":true}`, 400, "body"},
		{"two values", json, `{"state":"open"}{"state":"done"}`, 400, "body"},
		{"trailing", json, `{"state":"open"} x`, 400, "body"},
		{"half a pair", json, `{"note":"\ud800"}`, 400, "body"},
		{"byte FF", json, "{\"note\":\"\xff\"}", 400, "body"},
		{"a byte order mark", json, "\xef\xbb\xbf{\"state\":\"open\"}", 400, "body"},
		{"utf-16 bytes", json, "\xff\xfe{\x00}\x00", 400, "body"},
		{"utf-16 by name", "application/json; charset=utf-16", `{"state":"open"}`, 400, "body"},
		{"utf-7 by name", "application/json; charset=utf-7", `{"state":"open"}`, 400, "body"},
		{"another parameter", "application/json; a=b", `{"state":"open"}`, 400, "body"},
		{"no type", "", `{"state":"open"}`, 400, "body"},
		{"text", "text/plain", `{"state":"open"}`, 400, "body"},
		{"yaml", "application/yaml", `state: open`, 400, "body"},
		{"a patch", "application/merge-patch+json", `{"state":"open"}`, 400, "body"},
		{"deep", json, `{"free":` + strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40) + "}", 400, "body"},
		{"nothing", json, "", 400, "body"},
		{"space", json, "  ", 400, "body"},
		{"null", json, "null", 400, "body"},
		{"a list", json, "[]", 400, "body"},
		{"not of the list", json, `{"state":"hacked!"}`, 400, "state"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			status, a := call(t, s, "PATCH", "/api/v1/subjects", tc.body, "Authorization", "Bearer good", "Content-Type", tc.contentType)
			if status != tc.status || a.Field != tc.field {
				t.Errorf("%d, field %q, want %d, %q: %s", status, a.Field, tc.status, tc.field, a.raw)
			}
			if status == 200 && a.raw != tc.body {
				t.Errorf("the handler reads %q", a.raw)
			}
			if strings.Contains(a.raw, "hacked") && status != 200 {
				t.Errorf("it shows the value back: %s", a.raw)
			}
		})
	}
}

func TestABodyThatMayBeMissing(t *testing.T) {
	s := strictServer(t)
	for body, want := range map[string]int{"": 200, `{"a":"x"}`: 200, `{"b":"x"}`: 400, `{"a":1}`: 400} {
		if status, a := call(t, s, "POST", "/api/v1/maybe", body, "Authorization", "Bearer good"); status != want {
			t.Errorf("%q: %d, want %d: %s", body, status, want, a.raw)
		}
	}
}

// The header that names the type comes once.
func TestTwoContentTypesAreNone(t *testing.T) {
	s := strictServer(t)
	r := httptest.NewRequestWithContext(t.Context(), "PATCH", "/api/v1/subjects", strings.NewReader(`{"state":"open"}`))
	r.Header["Content-Type"] = []string{"application/json", "text/plain"}
	w := httptest.NewRecorder()
	s.Echo.ServeHTTP(w, r)
	if w.Code != http.StatusBadRequest {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}

func TestAPackedBodyIsNotTaken(t *testing.T) {
	s := strictServer(t)
	for encoding, want := range map[string]int{"identity": 200, "gzip": 400, "br": 400} {
		r := httptest.NewRequestWithContext(t.Context(), "PATCH", "/api/v1/subjects", strings.NewReader(`{"state":"open"}`))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Content-Encoding", encoding)
		w := httptest.NewRecorder()
		s.Echo.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%s: status %d: %s", encoding, w.Code, w.Body)
		}
	}
}

func TestAQueryIsReadStrictly(t *testing.T) {
	s := strictServer(t)
	for raw, want := range map[string]int{
		"":                      200,
		"state=open":            200,
		"state=%ED%95%9C+x":     200,
		"tag=a&tag=b":           200, // described as a list
		"utm_source=x":          200, // links carry what others have added
		"state=open&state=done": 400,
		"x=1&x=2":               400,
		"state=%ff":             400,
		"%ff=1":                 400,
		"state=%ed%a0%80":       400,
		"state=%zz":             400,
		"state=%e":              400,
		"state=a;b":             400,
	} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/api/v1/subjects", http.NoBody)
		r.URL.RawQuery = raw
		w := httptest.NewRecorder()
		s.Echo.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("?%s: %d, want %d: %s", raw, w.Code, want, w.Body)
		}
	}
}
