package modules_test

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

var (
	fenced  = regexp.MustCompile("(?ms)^```.*?\n```")
	link    = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.+)$`)
	linked  = regexp.MustCompile(`\[([^]]*)\]\([^)]*\)`)
	// What a page names as a file of the repository. What holds a sign of a pattern or of an example is none.
	named = regexp.MustCompile("`((?:cmd|modules|docs|configs|migrations|web|\\.tools|\\.ci)/[A-Za-z0-9_./-]+)`")
)

// pages follows the links of the documentation, within the repository, and looks for the files that it names.
func pages(h house) (breaches []string) {
	say := func(page, format string, args ...any) {
		breaches = append(breaches, page+": "+fmt.Sprintf(format, args...))
	}
	for page, text := range h.pages {
		text = fenced.ReplaceAllString(text, "")
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			to, anchor, _ := strings.Cut(m[1], "#")
			to = path.Join(path.Dir(page), to)
			if to == path.Dir(page) && !strings.HasPrefix(m[1], ".") {
				to = page // an anchor alone
			}
			switch {
			case !h.exists(to):
				say(page, "%s leads nowhere; there is no %s", m[0], to)
			case anchor != "" && !slices.Contains(anchors(h.pages[to]), anchor):
				say(page, "%s leads nowhere; %s has no such heading", m[0], to)
			}
		}
		for _, m := range named.FindAllStringSubmatch(text, -1) {
			if file := m[1]; !strings.Contains(file, "...") && !strings.Contains(file, "NAME") && !h.exists(path.Clean(file)) {
				say(page, "there is no %s (any more); name the file that is meant", file)
			}
		}
	}
	slices.Sort(breaches)
	return breaches
}

// anchors are the names of a page's headings in links, as GitHub makes them.
func anchors(text string) (all []string) {
	for _, m := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		title := linked.ReplaceAllString(strings.TrimSpace(m[1]), "$1")
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, title)
		all = append(all, name)
	}
	return all
}
