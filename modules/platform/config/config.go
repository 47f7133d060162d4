// Package config reads settings from YAML and the environment into typed structs, strictly.
package config

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"

	"github.com/go-playground/validator/v10"
	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"
)

// EnvPrefix begins every environment variable of the program. MALL_HTTP__ADDR sets http.addr: two underscores
// go one level down.
const EnvPrefix = "MALL_"

// FileVariable names the environment variable that holds the path of a settings file; it is not a setting itself.
const FileVariable = "MALL_CONFIG"

// Load fills out, a pointer to a struct with koanf and validate tags, from defaults (YAML), then the file,
// if one is named, then the environment. An unknown key and a value of the wrong type are errors of one
// line that name the key; values are never shown, since one may be a secret. Check comes next.
func Load(defaults []byte, file string, environ []string, out any) error {
	k := koanf.New(".")
	if err := k.Load(rawbytes.Provider(defaults), yaml.Parser()); err != nil {
		return fmt.Errorf("built-in defaults: %w", err)
	}
	if file != "" {
		text, err := os.ReadFile(file) //nolint:gosec // the operator names the file
		if err != nil {
			return fmt.Errorf("settings file: %w", err)
		}
		if err := k.Load(rawbytes.Provider(text), yaml.Parser()); err != nil {
			return fmt.Errorf("settings file %s: %w", file, err)
		}
	}
	err := k.Load(env.Provider(".", env.Opt{Prefix: EnvPrefix, EnvironFunc: func() []string { return environ }, TransformFunc: key}), nil)
	if err != nil {
		return fmt.Errorf("environment: %w", err)
	}
	if err := k.UnmarshalWithConf("", out, koanf.UnmarshalConf{DecoderConfig: &mapstructure.DecoderConfig{
		Result: out, TagName: "koanf", ErrorUnused: true, WeaklyTypedInput: true,
		DecodeHook: mapstructure.ComposeDecodeHookFunc(mapstructure.StringToTimeDurationHookFunc(), mapstructure.StringToSliceHookFunc(",")),
	}}); err != nil {
		return oneLine(err)
	}
	return nil
}

// key turns MALL_HTTP__ADDR into http.addr. The variable that names the file is left out.
func key(name, value string) (string, any) {
	if name == FileVariable {
		return "", nil
	}
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(name, EnvPrefix)), "__", "."), value
}

// oneLine shortens what the decoder says; its text may hold a value, which may be a secret, so only the
// names of keys are kept.
func oneLine(err error) error {
	text := err.Error()
	if i := strings.Index(text, "has invalid keys: "); i >= 0 {
		keys, _, _ := strings.Cut(text[i+len("has invalid keys: "):], "\n")
		where, _, _ := strings.Cut(text, "has invalid keys")
		return fmt.Errorf("unknown setting %s", strings.Trim(section(where)+"."+keys, "."))
	}
	if i := strings.IndexByte(text, '\''); i >= 0 {
		name, _, _ := strings.Cut(text[i+1:], "'")
		return fmt.Errorf("%s: its value is of the wrong type", strings.ToLower(name))
	}
	return errors.New("settings cannot be read")
}

// section finds the quoted name in the decoder's text. The root's is its type with its package, which is no section.
func section(text string) string {
	parts := strings.Split(text, "'")
	if len(parts) < 2 || rootName.MatchString(parts[len(parts)-2]) {
		return ""
	}
	return strings.ToLower(parts[len(parts)-2])
}

var rootName = regexp.MustCompile(`^\w+\.settings$`)

// Check holds what Load has filled, and the program perhaps completed, against its validate tags. The error
// is one line that names the key.
func Check(out any) error {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(func(f reflect.StructField) string { return f.Tag.Get("koanf") })
	var broken validator.ValidationErrors
	if err := v.Struct(out); errors.As(err, &broken) {
		b := broken[0]
		_, path, _ := strings.Cut(b.Namespace(), ".")
		path = strings.ReplaceAll(path, ",squash.", "")
		return fmt.Errorf("%s: must be %s", path, rule(b))
	} else if err != nil {
		return err
	}
	return nil
}

// rule words a broken rule for people.
func rule(b validator.FieldError) string {
	switch b.Tag() {
	case "required", "required_if":
		return "set"
	case "min":
		return "at least " + b.Param()
	case "max":
		return "at most " + b.Param()
	case "oneof":
		return "one of: " + strings.ReplaceAll(b.Param(), " ", ", ")
	case "gtfield":
		return "more than " + b.Param()
	}
	return strings.TrimSpace(b.Tag() + " " + b.Param())
}
