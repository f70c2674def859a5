package analyticsbench

import (
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// watchEvery is how often memory is looked at while something is measured.
const watchEvery = 2 * time.Millisecond

// watched calls fn and tells how long it took and how much memory the Go runtime held from the system at most, in MB: the
// data that was there before included, what earlier measurements have left behind not.
func watched(fn func() error) (took time.Duration, peakMB float64, err error) {
	debug.FreeOSMemory()
	quit, peak := make(chan struct{}), make(chan uint64)
	go func() {
		most := held()
		tick := time.NewTicker(watchEvery)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				peak <- max(most, held())
				return
			case <-tick.C:
				most = max(most, held())
			}
		}
	}()
	begun := time.Now()
	err = fn()
	took = time.Since(begun)
	close(quit)
	return took, float64(<-peak) / (1 << 20), err
}

// held is the memory the runtime has from the system and has not given back, in bytes.
func held() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64() - s[1].Value.Uint64()
}
