//go:build browser

package notebook_test

import "testing"

// A page that nobody sees asks for nothing; as soon as it is seen, it is current.
func TestBrowserHidden(t *testing.T) {
	for name, open := range map[string]func(*testing.T, []byte) stage{"http": overHTTP, "file": fromDisk} {
		t.Run(name, func(t *testing.T) {
			at := open(t, round(t, 1))
			b := startBrowser(t)
			p := b.open(t, at.address, 1280, 700)
			p.until(t, `document.documentElement.dataset.live !== undefined`)
			over := b.blank(t, 1280, 700)
			p.call(t, "Emulation.setFocusEmulationEnabled", map[string]any{"enabled": false})
			over.browser.call(t, "", "Target.activateTarget", map[string]any{"targetId": over.target})
			p.until(t, `document.hidden`)
			at.replace(round(t, 2))
			// Longer than an interval, and than a page on disk takes to load itself.
			p.eval(t, `new Promise((done) => setTimeout(done, 1500))`)
			if v := p.eval(t, `document.hidden + document.querySelector('.figure').textContent`); v != "true1" {
				t.Errorf("the hidden page shows %v", v)
			}
			p.browser.call(t, "", "Target.activateTarget", map[string]any{"targetId": p.target})
			p.until(t, `!document.hidden && document.querySelector('.figure').textContent === '2'`)
			p.quiet(t)
		})
	}
}

// Without scripts the page is whole, offers nothing that would need one, and reloads itself.
func TestBrowserWithoutScript(t *testing.T) {
	for name, open := range map[string]func(*testing.T, []byte) stage{"http": overHTTP, "file": fromDisk} {
		t.Run(name, func(t *testing.T) {
			at := open(t, round(t, 1))
			p := startBrowser(t).blank(t, 1280, 700)
			p.call(t, "Emulation.setScriptExecutionDisabled", map[string]any{"value": true})
			p.goTo(t, at.address)
			got := map[string]any{}
			decode(t, p.eval(t, `JSON.stringify((() => {
				const seen = (s) => [...document.querySelectorAll(s)].filter((e) => e.checkVisibility()).length;
				return { live: document.documentElement.dataset.live ?? 'no', figures: seen('.figure'), rows: seen('.is-table tbody tr'), charts: seen('svg[role=img]'),
					buttons: seen('.tools button, .csv'), says: document.querySelector('.noscript').checkVisibility() };
			})())`), &got)
			want := map[string]any{"live": "no", "figures": 2.0, "rows": 60.0, "charts": 1.0, "buttons": 0.0, "says": true}
			for k := range want {
				if got[k] != want[k] {
					t.Errorf("%s: %v, want %v", k, got[k], want[k])
				}
			}
			at.replace(round(t, 2))
			p.until(t, `document.querySelector('.figure')?.textContent === '2'`)
		})
	}
}
