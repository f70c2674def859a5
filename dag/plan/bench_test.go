package plan_test

import (
	"fmt"
	"strings"
	"testing"

	"tillflow/dag/plan"
	"tillflow/dag/spec"
)

// thousand is a dagfile of 1,000 jobs: streams, each with a chain and a fan of gated batch jobs behind it.
func thousand() []byte {
	var b strings.Builder
	b.WriteString("version: 1\ntimezone: Asia/Riyadh\npools: { db: 4 }\ndefaults: { \"batch.*\": { retries: { max: 3 }, timeout: 5m, pool: db } }\njobs:\n")
	for i := range 1000 {
		switch {
		case i%100 == 0:
			fmt.Fprintf(&b, "  stream.s%d: { uses: stream, with: { writes: t%d, reads: t%d } }\n", i, i, i-i%200)
		case i%100 < 50:
			fmt.Fprintf(&b, "  batch.b%d:\n    uses: batch\n    needs: [%s]\n    when: { any: [{ rows: 5000, of: stream.s%d }, { every: 1m }], min_gap: 10s }\n", i, before(i), i-i%100)
		default:
			fmt.Fprintf(&b, "  batch.b%d:\n    uses: batch\n    needs: [%s, stream.s%d]\n    tags: [nightly]\n    when: { cron: \"*/5 * * * *\" }\n", i, before(i/100*100+i%10+2), i-i%100)
		}
	}
	return []byte(b.String())
}

func before(i int) string {
	if i = i - 1; i%100 == 0 {
		return fmt.Sprintf("stream.s%d", i)
	}
	return fmt.Sprintf("batch.b%d", i)
}

// The goal is 50 ms.
func BenchmarkValidateThousandJobs(b *testing.B) {
	src := thousand()
	b.ReportAllocs()
	for b.Loop() {
		s, ps := spec.Parse("dagfile.yaml", src, kinds, nil)
		if _, more := plan.New(s); len(ps)+len(more) > 0 {
			b.Fatal(ps, more)
		}
	}
}

// The goal is 20 ms for the order, the order of a run that ends, and a choice.
func BenchmarkPlanThousandJobs(b *testing.B) {
	s, ps := spec.Parse("dagfile.yaml", thousand(), kinds, nil)
	if len(ps) > 0 {
		b.Fatal(ps)
	}
	b.ReportAllocs()
	for b.Loop() {
		p, _ := plan.New(s)
		nodes, err := p.Select("@stream.s500", "tag:nightly,+batch.b77+")
		if err != nil || len(nodes) == 0 || len(p.Once()) != 1000 {
			b.Fatal(err)
		}
	}
}
