package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"tillflow/dag/instance"
	"tillflow/dag/plan"
	"tillflow/dag/runner"
	"tillflow/jobs/stream"
	"tillflow/lib/ledger"
	"tillflow/lib/pg"
)

// jobStatus is one job as `dag status` shows it: what the running pipeline says, and of a stream what the ledger says.
type jobStatus struct {
	runner.Status
	Ledger *streamStatus `json:"ledger,omitempty"` // of a stream, when it could be read

	here bool // it runs on this state folder
}

// streamStatus is how a stream is by its ledger.
type streamStatus struct {
	RowsPerSecond float64           `json:"rows_per_second"` // over the last minute
	Lag           int64             `json:"lag"`             // messages, by the log ends that its workers last saw
	Watermark     time.Time         `json:"watermark,omitzero"`
	WatermarkAge  float64           `json:"watermark_age_s,omitempty"` // seconds behind the database's clock
	Partitions    []partitionStatus `json:"partitions"`
	Problems      []ledger.Problem  `json:"problems"` // what is wrong, and after that what was in the last minutes
	Skips         []ledger.Skip     `json:"skips,omitempty"`

	now time.Time // by the database's clock
}

type partitionStatus struct {
	Topic     string    `json:"topic"`
	Partition int       `json:"partition"`
	Next      int64     `json:"next_offset"`
	LogEnd    int64     `json:"log_end"`
	Owner     string    `json:"owner"` // "" when nobody works on it
	Updated   time.Time `json:"updated_at"`
}

// lately is how long a problem that is over is still shown.
const lately = 10 * time.Minute

// ledgerPatience is how long status waits for a Postgres that does not answer.
const ledgerPatience = 3 * time.Second

// cmdStatus asks the running pipeline and the ledger; one of the two is enough. It starts nothing.
func cmdStatus(ctx context.Context, c *call) error {
	if err := c.formats("table", "json"); err != nil {
		return err
	}
	f, err := instance.Open(c.state)
	if err != nil {
		return err
	}
	jobs, runErr := askPipeline(ctx, f)
	p, err := c.plan()
	if err != nil && runErr != nil {
		return err
	}
	streams, ledgerErr := readLedger(ctx, p, f)
	if runErr != nil && ledgerErr != nil {
		return fmt.Errorf("%w, and the ledger was not read: %w", runErr, ledgerErr)
	}
	all, err := c.only(p, join(jobs, streams, p))
	if err != nil {
		return err
	}
	if c.format == "json" {
		return encode(c.stdout, all)
	}
	var notes []string
	if runErr != nil {
		notes = append(notes, runErr.Error()+"; this is what the ledger says")
	}
	if ledgerErr != nil {
		notes = append(notes, "the ledger was not read, so problems are only in the lines above: "+ledgerErr.Error())
	}
	now := time.Now()
	if c.zone != nil {
		now = now.In(c.zone)
	}
	return printStatus(c.stdout, all, notes, now)
}

// askPipeline asks the pipeline that runs on the state folder what its jobs do.
func askPipeline(ctx context.Context, f *instance.Folder) ([]runner.Status, error) {
	info, ok := f.Read(instance.RunRole)
	if !ok {
		return nil, errors.New("no pipeline runs here (`dag run` starts it)")
	}
	if info.Address == "" {
		return nil, fmt.Errorf("`%s`, pid %d, serves no status: services.http.listen is empty, or it is starting or runs once", info.Command, info.PID)
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, info.Address+"/api/status", nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+info.Key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask pid %d: %w", info.PID, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ask pid %d: it answers %s", info.PID, resp.Status)
	}
	var jobs []runner.Status
	if err := json.NewDecoder(resp.Body).Decode(&jobs); err != nil {
		return nil, fmt.Errorf("read the answer of pid %d: %w", info.PID, err)
	}
	return jobs, nil
}

// readLedger reads how the streams are from a Postgres that is up; it starts none.
func readLedger(ctx context.Context, p *plan.Plan, f *instance.Folder) (map[string]*streamStatus, error) {
	if p == nil {
		return nil, errors.New("the dagfile has a mistake")
	}
	url, err := postgresURL(p, f)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, ledgerPatience)
	defer cancel()
	db, err := pg.Open(ctx, url)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	out := map[string]*streamStatus{}
	for _, n := range p.Nodes {
		if _, ok := n.Job.Args.(*stream.With); !ok {
			continue
		}
		h, err := ledger.ReadHealth(ctx, db, n.Name, lately)
		var missing *pgconn.PgError
		if errors.As(err, &missing) && missing.Code == "42P01" {
			return nil, errors.New("the database has no ledger, or an older one; `dag run` or `dag up` makes it")
		}
		if err != nil {
			return nil, err
		}
		if len(h.Partitions)+len(h.Problems) > 0 {
			out[n.Name] = newStreamStatus(h, n.Job.Args.(*stream.With).Topic)
		}
	}
	return out, nil
}

// postgresURL is where the pipeline's Postgres answers, if it does.
func postgresURL(p *plan.Plan, f *instance.Folder) (string, error) {
	a, err := instance.ParseAddress(p.Spec.Services.Postgres.URL, instance.PostgresPort)
	if err != nil || !a.Embedded {
		return a.Real, err
	}
	info, ok := f.Read(instance.ServicesRole)
	if !ok || !info.Ready {
		return "", errors.New("the embedded Postgres is not up (`dag up` or `dag run` starts it)")
	}
	return info.Socket, nil
}

func newStreamStatus(h ledger.Health, topic string) *streamStatus {
	s := &streamStatus{RowsPerSecond: h.Rate, Watermark: h.Watermark, Partitions: []partitionStatus{}, Problems: h.Problems, Skips: h.Skips, now: h.Now}
	if s.Problems == nil {
		s.Problems = []ledger.Problem{}
	}
	if !h.Watermark.IsZero() {
		s.WatermarkAge = h.Now.Sub(h.Watermark).Seconds()
	}
	for _, p := range h.Partitions {
		if p.Topic != topic {
			continue
		}
		s.Lag += p.Lag()
		part := partitionStatus{Topic: p.Topic, Partition: p.Partition, Next: p.Next, LogEnd: p.LogEnd, Updated: p.Updated}
		if p.Live {
			part.Owner = p.Owner
		}
		s.Partitions = append(s.Partitions, part)
	}
	return s
}

// join puts together what the pipeline and the ledger say. Without a pipeline here, the streams are what there is: they run
// elsewhere when somebody holds their partitions.
func join(jobs []runner.Status, streams map[string]*streamStatus, p *plan.Plan) []jobStatus {
	all := make([]jobStatus, 0, len(jobs))
	for _, j := range jobs {
		all = append(all, jobStatus{j, streams[j.Job], true})
	}
	if len(jobs) > 0 || p == nil {
		return all
	}
	for _, n := range p.Nodes {
		s := streams[n.Name]
		if s == nil {
			continue
		}
		st := runner.Status{Job: n.Name, Stream: true, State: "not running", Rate: s.RowsPerSecond, Lag: s.Lag, Watermark: s.Watermark}
		for _, part := range s.Partitions {
			if part.Owner != "" {
				st.State = "running"
			}
		}
		all = append(all, jobStatus{st, s, false})
	}
	return all
}
