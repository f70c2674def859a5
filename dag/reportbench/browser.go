package reportbench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"time"

	"tillflow/dag/server"
	"tillflow/lib/chromium"
	"tillflow/lib/replace"
)

// served is the page on a server of the pipeline.
type served struct {
	*server.Server
	path, url string
}

func (b *bench) serve() (*served, error) {
	out := filepath.Join(b.dir, "out")
	if err := makeFolder(out); err != nil {
		return nil, err
	}
	s := &served{path: filepath.Join(out, b.report.Page)}
	if err := replace.File(s.path, b.page); err != nil {
		return nil, err
	}
	var err error
	s.Server, err = server.Listen(server.Config{Listen: "127.0.0.1:0", Out: out, Log: slog.New(slog.DiscardHandler), Status: func() any { return nil }})
	if err != nil {
		return nil, err
	}
	s.url = s.Address() + "/" + b.report.Page
	return s, nil
}

func (s *served) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return s.Close(ctx)
}

// pageStep is the longest time a step in the browser may take.
const pageStep = time.Minute

// browser measures the page in a Chromium, when there is one.
func (b *bench) browser(ctx context.Context) (err error) {
	if _, e := chromium.Find(); e != nil {
		b.Say("without a browser: " + e.Error())
		return nil
	}
	b.Say("its page in a browser")
	s, err := b.serve()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop(ctx)) }()
	browser, err := chromium.Start()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, browser.Close()) }()
	other, err := b.otherPage()
	if err != nil {
		return err
	}
	b.out.CellsChanged = changed(b.page, other)
	inf := math.Inf(1)
	least := seen{inf, inf, inf, inf}
	for range max(3, b.Rounds) {
		one, err := measurePage(ctx, browser, s, b.page, other)
		if err != nil {
			return fmt.Errorf("measure the page in a browser: %w", err)
		}
		least = seen{min(least.paint, one.paint), min(least.paintCPU, one.paintCPU), min(least.refresh, one.refresh), min(least.refreshCPU, one.refreshCPU)}
	}
	b.out.FirstPaintMS, b.out.FirstPaintCPUMS, b.out.RefreshMS, b.out.RefreshCPUMS = &least.paint, &least.paintCPU, &least.refresh, &least.refreshCPU
	return nil
}

// seen is what a browser took, in milliseconds: until something was painted, and how long a refresh kept the main thread
// busy.
type seen struct{ paint, paintCPU, refresh, refreshCPU float64 }

// measurePage opens the page and replaces it.
func measurePage(ctx context.Context, browser *chromium.Browser, s *served, page, other []byte) (out seen, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, pageStep, fmt.Errorf("took longer than %s", pageStep))
	defer cancel()
	if err := replace.File(s.path, page); err != nil {
		return out, err
	}
	tab, err := browser.Open(ctx, s.url, 1280, 900)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, tab.Close(ctx)) }()
	const painted = `performance.getEntriesByName('first-contentful-paint')[0]`
	if err := tab.Until(ctx, painted); err != nil {
		return out, err
	}
	if err := tab.Eval(ctx, painted+`.startTime`, &out.paint); err != nil {
		return out, err
	}
	const settled = `new Promise((done) => requestIdleCallback(() => requestIdleCallback(() => done(true))))`
	if err := tab.Eval(ctx, settled, nil); err != nil {
		return out, err
	}
	wall, cpu, err := tab.Busy(ctx)
	if err != nil {
		return out, err
	}
	out.paintCPU = ms(cpu)
	if err := replace.File(s.path, other); err != nil {
		return out, err
	}
	// The page itself tells when it has changed: asking again and again would count as its work.
	const refreshed = `new Promise((done) => { const root = document.documentElement; new MutationObserver((_, o) => { o.disconnect(); ` +
		`requestAnimationFrame(() => requestIdleCallback(() => done(true))); }).observe(root, { attributes: true, attributeFilter: ['data-built'] }); })`
	if err := tab.Eval(ctx, refreshed, nil); err != nil {
		return out, err
	}
	wallAfter, cpuAfter, err := tab.Busy(ctx)
	out.refresh, out.refreshCPU = ms(wallAfter-wall), ms(cpuAfter-cpu)
	return out, err
}
