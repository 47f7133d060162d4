package httpserver

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/labstack/echo/v4"

	"mall/modules/platform/fault"
	"mall/modules/platform/id"
)

const jsonType = "application/json"

const apiPrefix = "/api/v1"

// requestCheck holds each operation of the description, found by the route that Echo has already matched.
type requestCheck struct {
	operations map[operationKey]*operation
}

type operationKey struct{ method, path string }

// operation is what a request must be like.
type operation struct {
	route *routers.Route
	class class
	body  *openapi3.Schema // of JSON; nil: none is described
	empty bool             // and there may be none
	lists map[string]bool  // query parameters that may come more than once
}

// defineFormats adds ours to the library's formats. They are the whole process', so it is done once: another server of this
// process may be reading them.
var defineFormats = sync.OnceFunc(func() {
	openapi3.DefineStringFormatValidator("uuid", openapi3.NewCallbackValidator(func(s string) error {
		_, err := id.Parse(s)
		return err
	}))
})

func newRequestCheck(spec []byte) (*requestCheck, error) {
	defineFormats()
	doc, err := openapi3.NewLoader().LoadFromData(spec)
	if err != nil {
		return nil, fmt.Errorf("API description: %w", err)
	}
	// The parts keep to what 3.0 and 3.1 share; the 3.0 checker names the field at fault, the 3.1 one
	// answers with prose of its own.
	doc.OpenAPI = "3.0.3"
	rc := &requestCheck{operations: map[operationKey]*operation{}}
	for path, item := range doc.Paths.Map() {
		for method, described := range item.Operations() {
			op, err := newOperation(&routers.Route{Spec: doc, Path: path, PathItem: item, Method: method, Operation: described})
			if err != nil {
				return nil, fmt.Errorf("API description: %s %s: %w", method, path, err)
			}
			rc.operations[operationKey{method, apiPrefix + echoPath(path)}] = op
		}
	}
	return rc, nil
}

func newOperation(route *routers.Route) (op *operation, err error) {
	op = &operation{route: route, lists: map[string]bool{}}
	if op.class, err = describedClass(route); err != nil {
		return nil, err
	}
	for _, all := range []openapi3.Parameters{route.PathItem.Parameters, route.Operation.Parameters} {
		for _, p := range all {
			if p.Value.In == openapi3.ParameterInQuery && p.Value.Schema != nil && p.Value.Schema.Value.Type.Is("array") {
				op.lists[p.Value.Name] = true
			}
		}
	}
	if b := route.Operation.RequestBody; b != nil {
		media := b.Value.Content[jsonType]
		if media == nil || media.Schema == nil || len(b.Value.Content) != 1 {
			return nil, fmt.Errorf("a body that is not described as %s is read by nobody", jsonType)
		}
		op.body, op.empty = media.Schema.Value, !b.Value.Required
		return op, closeSchema(media.Schema, map[*openapi3.Schema]bool{})
	}
	return op, nil
}

// describedClass reads x-limit. Where it is missing, reading and writing are told apart by the method; what anybody may do
// without a login, and changes something, is the dearest until somebody has said what it is.
func describedClass(route *routers.Route) (class, error) {
	described, there := route.Operation.Extensions["x-limit"]
	if name, ok := described.(string); ok {
		return classOf(name)
	}
	if there {
		return 0, fmt.Errorf("x-limit: %v is no word", described)
	}
	if open := route.Operation.Security; open != nil && len(*open) == 0 && !safe(route.Method) {
		return classLogin, nil
	}
	return usual(route.Method), nil
}

// closeSchema makes every object of a request refuse the properties that are not described, unless the description says
// additionalProperties itself: what nobody described nobody has thought of, and encoding/json would take a property for
// another that differs by case. Schemas with x-go-type are read by something else, and say by themselves what they are.
func closeSchema(ref *openapi3.SchemaRef, seen map[*openapi3.Schema]bool) error {
	if ref == nil || ref.Value == nil || seen[ref.Value] {
		return nil
	}
	s := ref.Value
	seen[s] = true
	if len(s.AllOf) > 0 {
		return errors.New("allOf in a request: each part would refuse the others' properties; describe the whole")
	}
	_, foreign := s.Extensions["x-go-type"]
	said := s.AdditionalProperties.Has != nil || s.AdditionalProperties.Schema != nil
	if !foreign && !said && len(s.Properties) > 0 {
		no := false
		s.AdditionalProperties.Has = &no
	}
	inner := append(append(openapi3.SchemaRefs{s.Items, s.AdditionalProperties.Schema}, s.OneOf...), s.AnyOf...)
	for _, p := range s.Properties {
		inner = append(inner, p)
	}
	for _, i := range inner {
		if err := closeSchema(i, seen); err != nil {
			return err
		}
	}
	return nil
}

func (rc *requestCheck) operation(c echo.Context) *operation {
	return rc.operations[operationKey{c.Request().Method, c.Path()}]
}

func (rc *requestCheck) class(c echo.Context) class {
	if op := rc.operation(c); op != nil && !streaming[c.Path()] {
		return op.class
	}
	if streaming[c.Path()] {
		return classConnect
	}
	if !strings.HasPrefix(c.Path(), apiPrefix+"/") {
		return classPage
	}
	return usual(c.Request().Method)
}

// echoPath turns /products/{product_id} into /products/:product_id.
func echoPath(path string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(path)
}

// checkOptions leave the caller to authenticate, and the body to checkBody.
var checkOptions = &openapi3filter.Options{
	AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, SkipSettingDefaults: true, ExcludeRequestBody: true,
}

// middleware refuses what the description does not allow, with the field at fault, before a handler runs.
func (rc *requestCheck) middleware(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		query, err := readQuery(c.Request().URL.RawQuery)
		if err != nil {
			return err
		}
		op := rc.operation(c)
		if err := query.once(op); err != nil {
			return err
		}
		if op == nil {
			return next(c)
		}
		in := &openapi3filter.RequestValidationInput{
			Request: c.Request(), PathParams: pathParams(c), QueryParams: url.Values(query), Route: op.route,
			Options: checkOptions,
		}
		if err := openapi3filter.ValidateRequest(c.Request().Context(), in); err != nil {
			return refusal("", err)
		}
		if err := op.checkBody(c.Request()); err != nil {
			return err
		}
		return next(c)
	}
}

func pathParams(c echo.Context) map[string]string {
	m := make(map[string]string, len(c.ParamNames()))
	for i, name := range c.ParamNames() {
		m[name] = c.ParamValues()[i]
	}
	return m
}

// refusal says which field is wrong and why, without showing the value back. field is what is at fault as a whole.
func refusal(field string, err error) error {
	reason := "The request is malformed."
	var re *openapi3filter.RequestError
	if errors.As(err, &re) {
		if re.Parameter != nil {
			field = re.Parameter.Name
		}
		if re.Reason != "" {
			reason = sentence(re.Reason)
		}
	}
	var se *openapi3.SchemaError
	if errors.As(err, &se) {
		path := se.JSONPointer()
		reason = sentence(se.Reason)
		if name, ok := unknownField(se.Reason); ok {
			reason = "That field is not known; names are told apart by case."
			if name != "" {
				path = append(path, name)
			}
		}
		if p := strings.Join(path, "."); p != "" {
			field = p
		}
	}
	return fault.Invalidf(field, "bad_request", "%s", reason)
}

// unknownField finds the name of a property that is not described in the checker's words.
func unknownField(reason string) (name string, ok bool) {
	quoted, ok := strings.CutSuffix(reason, " is unsupported")
	if !ok {
		return "", false
	}
	name, err := strconv.Unquote(strings.TrimPrefix(quoted, "property "))
	if err != nil {
		return "", true
	}
	return shown(name), true
}

// shown is a stranger's word for a field when it looks like one; else nothing.
func shown(name string) string {
	other := func(r rune) bool {
		return r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	}
	if len(name) > 40 || strings.ContainsFunc(name, other) {
		return ""
	}
	return name
}

func sentence(s string) string {
	if s == "" {
		return "The request is malformed."
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}
