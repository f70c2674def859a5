package stream

import (
	"context"
	"errors"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"tillflow/dag/run"
	"tillflow/lib/embedded"
	"tillflow/lib/kafkasrc"
	"tillflow/lib/pg"
	"tillflow/sql"
)

func (r *rig) owned(instance string) int64 {
	r.t.Helper()
	return r.number("select count(*) from dag.stream_offsets where owner = $1 and lease_until > now()", instance)
}

func TestWorkersShareAndHandOver(t *testing.T) {
	t.Parallel()
	r := newRig(t, 4, sales)
	p := r.producer(3, 4)
	p.produce(4_000)
	const ttl = 10 * patience // a lease that had to lapse would not be taken over in time
	small := func(w *With, d *Deps) { w.Batch, d.LeaseTTL = 200, ttl }
	a := r.start("a", small)
	r.until("owned by a alone", func() bool { return r.owned("a") == 4 })
	b := r.start("b", small)
	r.until("shared", func() bool { return r.owned("a") == 2 && r.owned("b") == 2 })
	p.produce(4_000)
	r.until("going on", func() bool { return p.backlog() < 2_000 })
	a.stop()
	r.until("taken over", func() bool { return r.owned("b") == 4 })
	p.produce(2_000)
	p.exact()
	b.stop()
	if n := r.number("select count(*) from dag.stream_members"); n != 0 {
		t.Errorf("%d members are left after clean stops", n)
	}
	if n := r.number("select count(*) from dag.stream_offsets where owner <> ''"); n != 0 {
		t.Errorf("%d leases are left after clean stops", n)
	}
}

func TestFencedWriterWritesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, sales)
	s := r.start("a")
	r.send(0, makeSale(1, 0))
	r.caughtUp()
	// Somebody else claims the partition, without asking whether the lease has lapsed.
	r.exec("update dag.stream_offsets set epoch = epoch + 1, owner = 'thief', lease_until = now() + interval '1 hour'")
	r.send(0, makeSale(2, time.Second))
	r.until("noticed", func() bool {
		return r.number("select count(*) from pg_stat_activity where application_name = 'tillflow stream.test/0' and datname = current_database()") == 0
	})
	if n := r.number("select count(*) from transactions"); n != 1 {
		t.Errorf("%d rows after the partition was taken away, want 1", n)
	}
	r.exec("update dag.stream_offsets set owner = '', lease_until = '-infinity'")
	r.caughtUp()
	r.verify()
	s.stop()
}

// Sessions that end at any moment, also during COMMIT, leave nothing in doubt.
func TestSessionsEndAtAnyMoment(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2, sales)
	p := r.producer(4, 2)
	s := r.start("a", func(w *With, _ *Deps) { w.Batch = 300 })
	for ended, tries := int64(0), 0; ended < 40; tries++ {
		if tries > 1000 {
			t.Fatalf("only %d sessions ended", ended)
		}
		if p.backlog() < 3_000 {
			p.produce(3_000)
		}
		time.Sleep(time.Duration(p.rng.IntN(30)) * time.Millisecond) // the moment is what varies
		ended += r.number(`select count(pg_terminate_backend(pid)) from pg_stat_activity
			where application_name like 'tillflow stream.test%' and datname = current_database() and random() < 0.7`)
	}
	p.exact()
	s.stop()
}

func TestPostgresRestarts(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2, sales)
	state, err := os.MkdirTemp("", "tillflow-stream-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(state) })
	if err := os.Chmod(state, 0o711); err != nil { // the server's account has to pass
		t.Fatal(err)
	}
	port := 0
	server := func() *embedded.Postgres {
		s, err := embedded.StartPostgres(t.Context(), embedded.PostgresConfig{State: state, Port: port, BinDir: os.Getenv("TILLFLOW_POSTGRES_BIN")})
		if err != nil {
			t.Fatal(err)
		}
		port = s.Port()
		return s
	}
	stop := func(s *embedded.Postgres) {
		if err := s.Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	s := server()
	if r.db, err = pg.Open(t.Context(), s.SocketURL()); err != nil {
		t.Fatal(err)
	}
	defer func() { r.db.Close() }()
	if _, err := pg.Migrate(t.Context(), r.db, sql.Migrations); err != nil {
		t.Fatal(err)
	}
	r.dims(4, 3)
	p := r.producer(5, 2)
	p.produce(20_000)
	work := r.start("a", func(w *With, _ *Deps) { w.Batch = 500 })
	for range 2 {
		r.until("reading", func() bool { return p.backlog() < 15_000 })
		stop(s)
		p.produce(10_000)
		s = server()
		r.until("answering", func() bool { return r.db.Ping(t.Context()) == nil })
	}
	p.exact()
	work.stop()
	r.db.Close()
	stop(s)
}

func TestLogThatIsNotOurs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, change, want string }{
		{"log_lost_its_tail", "update dag.stream_offsets set next_offset = 100", "behind the log's end 1"},
		{"topic_made_again", "update dag.stream_offsets set topic_id = 'AAAAAAAAAAAAAAAAAAAAAQ'", "deleted and made again"},
		{"other_cluster", "update dag.stream_offsets set cluster_id = 'other'", "on another cluster"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, 1, sales)
			r.send(0, makeSale(1, 0))
			r.once()
			r.exec(c.change)
			for _, once := range []bool{true, false} {
				_, err := r.job("a").Run(t.Context(), run.Input{Once: once})
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("once=%v: error %v, want one that says %q", once, err, c.want)
				}
			}
			if n := r.number("select count(*) from transactions"); n != 1 {
				t.Errorf("%d rows, want 1", n)
			}
		})
	}
}

// One partition that cannot go on does not stop the others.
func TestOnePartitionStopsTheOthersGoOn(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2, sales)
	r.send(0, makeSale(1, 0))
	r.send(1, makeSale(2, 0))
	r.once()
	r.exec("update dag.stream_offsets set next_offset = 100 where partition = 0")
	s := r.start("a")
	r.send(1, makeSale(3, 0))
	r.until("stored", func() bool { return r.number("select count(*) from transactions") == 3 })
	s.stop()
	_, err := r.job("a").Run(t.Context(), run.Input{Once: true})
	var outside *kafkasrc.OutOfRangeError
	if !errors.As(err, &outside) || outside.Partition != 0 {
		t.Errorf("error %v, want one about the offset of partition 0", err)
	}
}

func TestTopicIsMadeWhenThereIsNone(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, sales)
	r.with.Topic = "fresh"
	r.with.Partitions = 3
	if res := r.once(); res.RowsRead != 0 {
		t.Errorf("read %d rows of an empty topic", res.RowsRead)
	}
	topic, err := r.client.Topic(t.Context(), "fresh")
	if err != nil || len(topic.Partitions) != 3 {
		t.Errorf("topic %+v, %v; want 3 partitions", topic, err)
	}
}

// A Postgres user who may not silence triggers still gets a stream, with the same result.
func TestWithoutThePrivilege(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, sales)
	role := "role_" + strings.Trim(r.texts("select current_database()")[0], "()")
	r.exec("create role " + role + " login")
	t.Cleanup(func() {
		if _, err := r.db.Exec(context.Background(), "drop owned by "+role+"; drop role "+role); err != nil {
			t.Error(err)
		}
	})
	r.exec("grant usage, create on schema public, dag to " + role)
	r.exec("grant all on all tables in schema public, dag to " + role)
	admin := r.db
	u, err := url.Parse(admin.Config().ConnString())
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.User(role)
	limited, err := pg.Open(t.Context(), u.String())
	if err != nil {
		t.Fatal(err)
	}
	defer limited.Close()
	r.send(0, makeSale(1, 0), strings.Replace(makeSale(2, 0), `"P2`, `"X`, 1), makeSale(1, 0), makeSale(3, 0))
	r.once(func(_ *With, d *Deps) { d.DB = limited })
	r.verify()
	if n := r.number("select count(*) from transactions"); n != 2 {
		t.Errorf("%d rows, want 2", n)
	}
	if n := r.number("select count(*) from dag.held_rows"); n != 1 {
		t.Errorf("%d held rows, want 1", n)
	}
	// It is said, with what allows it and what it costs, until it is allowed.
	said := r.texts("select example from dag.stream_problems where kind = 'foreign-keys-row-by-row' and cleared_at is null")
	if len(said) != 1 || !strings.Contains(said[0], "grant set on parameter session_replication_role to") || !strings.Contains(said[0], "measured: about 95,000 rows/s") {
		t.Errorf("the state is %q", said)
	}
	r.once()
	if n := r.number("select count(*) from dag.stream_problems where kind = 'foreign-keys-row-by-row' and cleared_at is null"); n != 0 {
		t.Error("the state is still open for a user who may")
	}
}

// What the table refuses and the declaration does not know is a dead letter of that row alone.
func TestTableRefusesRows(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, sales)
	r.exec("alter table transactions add constraint amount_not_negative check (amount >= 0)")
	var values []string
	for i := range 100 {
		v := makeSale(i, time.Duration(i)*time.Second)
		if i%30 == 7 {
			v = strings.Replace(v, `"amount":`, `"amount":-`, 1)
		}
		values = append(values, v)
		if i%25 == 0 {
			values = append(values, v)
		}
	}
	r.send(0, values...)
	r.once()
	r.verify()
	if n := r.number("select count(*) from transactions"); n != 96 {
		t.Errorf("%d rows, want 96", n)
	}
	if n := r.number("select count(*) from dag.dead_letters where reason like '%amount_not_negative%' and value is not null"); n != 4 {
		t.Errorf("%d dead letters with the table's reason, want 4: %v", n, r.texts("select reason from dag.dead_letters"))
	}
}
