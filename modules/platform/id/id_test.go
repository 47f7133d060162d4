package id_test

import (
	"encoding/json"
	"testing"

	"mall/modules/platform/id"
)

func TestTextAndDatabaseFormsRoundTrip(t *testing.T) {
	x := id.New()
	text, err := json.Marshal(map[id.ID]id.ID{x: x})
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"` + x.String() + `":"` + x.String() + `"}`; string(text) != want {
		t.Errorf("JSON = %s, want %s", text, want)
	}
	v, err := x.Value()
	if err != nil {
		t.Fatal(err)
	}
	var back id.ID
	if err := back.Scan(v); err != nil || back != x {
		t.Errorf("Scan(Value) = %v, %v, want %v", back, err, x)
	}
}

func TestParseRefusesOtherSpellings(t *testing.T) {
	for _, s := range []string{"", "x", "{" + id.New().String() + "}", "urn:uuid:" + id.New().String(), "0190000000007000800000000000000g", "01900000-0000-7000-8000-00000000000g"} {
		if _, err := id.Parse(s); err == nil {
			t.Errorf("Parse(%q) was accepted", s)
		}
	}
}

func TestNilIsNullAndScanRefusesTheWrongSize(t *testing.T) {
	if v, err := id.Nil.Value(); v != nil || err != nil {
		t.Errorf("Nil.Value() = %v, %v", v, err)
	}
	var x id.ID
	if err := x.Scan([]byte("short")); err == nil {
		t.Error("a short value was accepted")
	}
}

func TestDerivedIsStable(t *testing.T) {
	if id.Derived("a") != id.Derived("a") || id.Derived("a") == id.Derived("b") {
		t.Error("Derived must depend on its text alone")
	}
}

func TestOnlyWhatNewMakesIsTimed(t *testing.T) {
	all := id.ID{}
	for i := range all {
		all[i] = 0xff
	}
	for x, want := range map[id.ID]bool{id.New(): true, id.Nil: false, id.Derived("news"): false, all: false,
		id.MustParse("0193a000-0000-7000-8000-000000000001"): true, id.MustParse("0193a000-0000-7000-c000-000000000001"): false} {
		if x.Timed() != want {
			t.Errorf("%s: %v", x, !want)
		}
	}
}
