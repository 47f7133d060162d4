package product

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"mall/modules/platform/fault"
)

// Search finds parts of words, because Korean glues its particles and compounds together: "컵" and "머그"
// both find "달빛 머그컵 세트". Spaces do not count, since people write them as they please.
//
// Every name is indexed by its characters and by its pairs of neighbours (product_grams). A query walks the
// postings of a few of its grams and then compares the text itself, so a gram can cost time but never a wrong answer.

// maxProbes is how many grams a query intersects; more would cost more than the rows they still rule out.
const maxProbes = 4

// folded is the form in which names and queries are compared: NFC, lower case, no white space.
func folded(s string) string {
	s = norm.NFC.String(strings.ToLower(norm.NFC.String(s)))
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}

// grams are the distinct characters and pairs of neighbours of a folded text, sorted.
func grams(s string) []string {
	runes := []rune(s)
	out := make([]string, 0, 2*len(runes))
	for i := range runes {
		out = append(out, string(runes[i]))
		if i > 0 {
			out = append(out, string(runes[i-1:i+1]))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// words splits a query into its distinct folded words.
func words(q string) ([]string, error) {
	if !utf8.ValidString(q) {
		return nil, fault.Invalidf("q", "invalid_text", "The text is not UTF-8.")
	}
	var out []string
	for _, w := range strings.Fields(q) {
		if w = folded(w); w != "" && !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out, nil
}

// probes picks the grams by which the words are looked up: pairs, spread evenly over the words. Single
// characters match so many names that they serve only where there is no pair.
func probes(words []string) []string {
	var pairs []string
	for round, more := 0, true; more && len(pairs) < maxProbes; round++ {
		more = false
		for _, w := range words {
			if p, ok := pair(w, round); ok {
				more = true
				pairs = appendNew(pairs, p)
			}
		}
	}
	if len(pairs) == 0 {
		pairs = words
	}
	return pairs[:min(len(pairs), maxProbes)]
}

// pair is the i-th pair of neighbours of a word; pairs do not overlap but for the last of an odd word.
func pair(word string, i int) (string, bool) {
	runes := []rune(word)
	if len(runes) < 2 || i > 0 && 2*i >= len(runes) {
		return "", false
	}
	at := min(2*i, len(runes)-2)
	return string(runes[at : at+2]), true
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}
