package notebook_test

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"testing"
)

var variable = regexp.MustCompile(`--([a-z0-9]+):#([0-9a-f]{6}|[0-9a-f]{3})\b`)

// themes reads the colours of the page from its style: those of light, of dark by system and of dark by button.
func themes(t *testing.T, page string) map[string]map[string]string {
	t.Helper()
	out := map[string]map[string]string{}
	for _, rule := range regexp.MustCompile(`:root([^{]*)\{([^}]*)\}`).FindAllStringSubmatch(styleElement.FindString(page), -1) {
		found := variable.FindAllStringSubmatch(rule[2], -1)
		if len(found) < 10 {
			continue
		}
		name := map[string]string{"": "light", ":not([data-theme=light])": "dark", "[data-theme=dark]": "dark by button"}[rule[1]]
		out[name] = map[string]string{}
		for _, m := range found {
			out[name][m[1]] = m[2]
		}
	}
	if len(out) != 3 {
		t.Fatalf("themes: %v", out)
	}
	return out
}

// luminance is the relative luminance of WCAG 2.2.
func luminance(hex string) (sum float64) {
	if len(hex) == 3 {
		hex = fmt.Sprintf("%c%c%c%c%c%c", hex[0], hex[0], hex[1], hex[1], hex[2], hex[2])
	}
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		if err != nil {
			panic(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

// Text can be read on everything it stands on, in both themes, and marks stand out from their card. axe-core cannot decide
// this for text in a chart, nor where something scrolls below a header.
func TestContrast(t *testing.T) {
	page, _ := draw(t, data(t))
	for theme, c := range themes(t, page) {
		check := func(fore, ground string, least float64) {
			t.Helper()
			a, b := luminance(c[fore]), luminance(c[ground])
			if got := (max(a, b) + 0.05) / (min(a, b) + 0.05); got < least {
				t.Errorf("%s: %s on %s has a contrast of %.2f, less than %.1f", theme, fore, ground, got, least)
			}
		}
		for _, fore := range []string{"text", "muted", "accent", "good", "bad"} {
			for _, ground := range []string{"surface", "page"} {
				check(fore, ground, 4.5)
			}
		}
		check("text", "tag", 4.5)
		check("good", "goodbg", 4.5)
		check("bad", "badbg", 4.5)
		for i := range 6 {
			check(fmt.Sprintf("s%d", i), "surface", 3)
		}
		check("other", "surface", 3)
	}
}
