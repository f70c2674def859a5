package stream

import "tillflow/lib/ledger"

// settings are what SQL is told of the stream when it starts.
func (s *stream) settings() ledger.Settings {
	out := ledger.Settings{
		Topic: s.with.Topic, Delay: *s.with.Watermark, Idle: *s.with.Idle, MaxSkew: *s.with.MaxSkew, Late: s.with.Late,
	}
	for _, w := range s.sinks.windows {
		out.Windows = append(out.Windows, ledger.WindowTable{Name: quote(w.table.name), Size: w.spec.Size, Step: w.spec.Step()})
	}
	return out
}
