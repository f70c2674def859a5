// Package jobs is the table of kinds: what a dagfile may write after `uses`, what its `with` may hold, and how such a
// job is built. Each kind is a package of its own that reads, calls lib and writes; none knows another.
package jobs

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/run"
	"tillflow/dag/spec"
	"tillflow/jobs/anomalies"
	"tillflow/jobs/basket"
	"tillflow/jobs/check"
	"tillflow/jobs/csvload"
	"tillflow/jobs/execjob"
	"tillflow/jobs/replay"
	"tillflow/jobs/report"
	"tillflow/jobs/segments"
	"tillflow/jobs/simulate"
	"tillflow/jobs/sqljob"
	"tillflow/jobs/stream"
)

// Job is what every kind builds.
type Job interface {
	Run(ctx context.Context, in run.Input) (run.Result, error)
}

// Env is what jobs are built with.
type Env struct {
	DB       *pgxpool.Pool
	Brokers  []string
	Log      *slog.Logger
	Now      func() time.Time
	Dir      string         // folder of the dagfile; relative paths start here
	Out      string         // where reports are written
	Instance string         // names this process, the same after a restart on one state folder
	Location *time.Location // the pipeline's zone
}

// kind is one entry of the table.
type kind struct {
	spec.Kind
	build func(name string, with any, e Env) (Job, error)
}

// of makes an entry from a constructor whose `with` is a W.
func of[W any, J Job](k spec.Kind, build func(name string, w W, e Env) (J, error)) kind {
	k.With = func() any { return new(W) }
	return kind{k, func(name string, with any, e Env) (Job, error) { return build(name, *with.(*W), e) }}
}

var (
	batch     = spec.Kind{}
	streaming = spec.Kind{Stream: true}
	page      = spec.Kind{Report: true}
	judging   = spec.Kind{Check: true}
)

var kinds = map[string]kind{
	"load.csv": of(batch, func(name string, w csvload.With, e Env) (*csvload.Job, error) {
		return csvload.New(name, w, csvload.Deps{DB: e.DB, Log: e.Log, Dir: e.Dir})
	}),
	"sql": of(batch, func(name string, w sqljob.With, e Env) (*sqljob.Job, error) {
		return sqljob.New(name, w, sqljob.Deps{DB: e.DB, Log: e.Log, Dir: e.Dir})
	}),
	"check": of(judging, func(name string, w check.With, e Env) (*check.Job, error) {
		return check.New(name, w, check.Deps{DB: e.DB, Log: e.Log, Dir: e.Dir})
	}),
	"exec": of(batch, func(name string, w execjob.With, e Env) (*execjob.Job, error) {
		return execjob.New(name, w, execjob.Deps{DB: e.DB, Brokers: e.Brokers, Log: e.Log, Dir: e.Dir})
	}),
	"replay.csv": of(batch, func(name string, w replay.With, e Env) (*replay.Job, error) {
		return replay.New(name, w, replay.Deps{Brokers: e.Brokers, Log: e.Log, Now: e.Now, Dir: e.Dir})
	}),
	"simulate.pos": of(streaming, func(name string, w simulate.With, e Env) (*simulate.Job, error) {
		return simulate.New(name, w, simulate.Deps{DB: e.DB, Brokers: e.Brokers, Log: e.Log, Now: e.Now})
	}),
	"stream.kafka": of(streaming, func(name string, w stream.With, e Env) (*stream.Job, error) {
		return stream.New(name, w, stream.Deps{DB: e.DB, Brokers: e.Brokers, Log: e.Log, Instance: e.Instance})
	}),
	"ml.segments": of(batch, func(name string, w segments.With, e Env) (*segments.Job, error) {
		return segments.New(name, w, segments.Deps{DB: e.DB, Log: e.Log, Dir: e.Dir})
	}),
	"ml.basket": of(batch, func(name string, w basket.With, e Env) (*basket.Job, error) {
		return basket.New(name, w, basket.Deps{DB: e.DB, Log: e.Log, Dir: e.Dir})
	}),
	"ml.anomalies": of(batch, func(name string, w anomalies.With, e Env) (*anomalies.Job, error) {
		return anomalies.New(name, w, anomalies.Deps{DB: e.DB, Log: e.Log, Dir: e.Dir})
	}),
	"report": of(page, func(name string, w report.With, e Env) (*report.Job, error) {
		return report.New(name, w, report.Deps{DB: e.DB, Log: e.Log, Dir: e.Dir, Out: e.Out, Now: e.Now})
	}),
}

// Specs tells the reader of a dagfile which kinds there are.
func Specs() map[string]spec.Kind {
	out := map[string]spec.Kind{}
	for name, k := range kinds {
		out[name] = k.Kind
	}
	return out
}

// New builds the job called name, of a kind in the table, with the decoded `with` of that kind.
func New(name, uses string, with any, e Env) (Job, error) {
	return kinds[uses].build(name, with, e)
}
