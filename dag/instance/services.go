package instance

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/spec"
	"tillflow/lib/embedded"
	"tillflow/lib/pg"
)

// The ports of the embedded services, when the dagfile and the environment name no others.
const (
	KafkaPort    = 19092
	PostgresPort = 5433
	database     = "retaildb"
)

// Services are the broker and the database a pipeline works with, and the way to stop those we started.
type Services struct {
	Brokers  []string
	DB       *pgxpool.Pool
	URL      string // for other programs, without a password when PassFile has it
	PassFile string
	Started  []string // what was started, for people: "Postgres on 127.0.0.1:5433, database retaildb"
	kafka    *embedded.Kafka
	postgres *embedded.Postgres
}

// Address is what a service setting means: embedded on a port, or a real address.
type Address struct {
	Embedded bool
	Port     int    // of an embedded service; 0 is any free one
	Real     string // otherwise
}

// ParseAddress reads "embedded", "embedded:PORT" or an address; "" is embedded.
func ParseAddress(s string, port int) (Address, error) {
	s = strings.TrimSpace(s)
	if s == "" || s == "embedded" {
		return Address{Embedded: true, Port: port}, nil
	}
	if p, ok := strings.CutPrefix(s, "embedded:"); ok {
		n, err := strconv.Atoi(p)
		if err != nil || n < 0 || n > 65535 {
			return Address{}, fmt.Errorf("embedded:%s has no port from 0 to 65535", p)
		}
		return Address{Embedded: true, Port: n}, nil
	}
	return Address{Real: s}, nil
}

// Start brings up what the spec asks for in the folder whose services o holds: the embedded services, or connections to real ones. When it
// fails, nothing it started is left running.
func Start(ctx context.Context, s *spec.Spec, o *Owner, pgBin string, log *slog.Logger) (_ *Services, err error) {
	kafka, postgres, err := addresses(s)
	if err != nil {
		return nil, err
	}
	sv := &Services{}
	defer func() {
		if err != nil {
			sv.Stop(context.WithoutCancel(ctx), log)
		}
	}()
	// Postgres takes longest; Kafka starts beside it.
	kafkaUp := make(chan error, 1)
	go func() { kafkaUp <- sv.startKafka(ctx, kafka, o.Folder.Path, log) }()
	pgErr := sv.startPostgres(ctx, postgres, o.Folder.Path, pgBin, log)
	if err := errors.Join(<-kafkaUp, pgErr); err != nil {
		return nil, err
	}
	if sv.kafka != nil {
		sv.Started = append(sv.Started, "Kafka on "+strings.Join(sv.Brokers, ","))
	}
	if sv.postgres != nil {
		sv.Started = append(sv.Started, fmt.Sprintf("Postgres on 127.0.0.1:%d, database %s", sv.postgres.Port(), database))
	}
	return sv, nil
}

// Announce tells other processes where the services are; they wait for it, so it comes when the tables are there.
func (sv *Services) Announce(o *Owner) error {
	return o.Tell(func(i *Info) {
		i.Ready, i.Brokers = true, sv.Brokers
		if sv.postgres != nil {
			i.URL, i.Socket, i.PassFile = sv.postgres.URL(), sv.postgres.SocketURL(), sv.postgres.PassFile()
		}
	})
}

func addresses(s *spec.Spec) (kafka, postgres Address, err error) {
	kafka, kerr := ParseAddress(s.Services.Kafka.Brokers, KafkaPort)
	postgres, perr := ParseAddress(s.Services.Postgres.URL, PostgresPort)
	if kerr != nil {
		kerr = fmt.Errorf("services.kafka.brokers (KAFKA_BROKERS): %w", kerr)
	}
	if perr != nil {
		perr = fmt.Errorf("services.postgres.url (DATABASE_URL): %w", perr)
	}
	return kafka, postgres, errors.Join(kerr, perr)
}

func (sv *Services) startKafka(ctx context.Context, a Address, state string, log *slog.Logger) (err error) {
	if !a.Embedded {
		sv.Brokers = strings.Split(a.Real, ",")
		return nil
	}
	sv.kafka, err = embedded.StartKafka(ctx, embedded.KafkaConfig{State: state, Port: a.Port, Log: log})
	if err != nil {
		return explain(err, "KAFKA_BROKERS")
	}
	sv.Brokers = sv.kafka.Brokers()
	return nil
}

func (sv *Services) startPostgres(ctx context.Context, a Address, state, bin string, log *slog.Logger) (err error) {
	own := a.Real
	sv.URL = a.Real
	if a.Embedded {
		sv.postgres, err = embedded.StartPostgres(ctx, embedded.PostgresConfig{State: state, Port: a.Port, BinDir: bin, Database: database, Log: log})
		if err != nil {
			return explain(err, "DATABASE_URL")
		}
		own, sv.URL, sv.PassFile = sv.postgres.SocketURL(), sv.postgres.URL(), sv.postgres.PassFile()
	}
	sv.DB, err = pg.Open(ctx, own)
	return err
}

// explain adds to a taken port or folder what changes it.
func explain(err error, variable string) error {
	var taken *embedded.PortTakenError
	if errors.As(err, &taken) {
		return fmt.Errorf("%w; choose another with %s=embedded:PORT (0 is any free one)", err, variable)
	}
	var inUse *embedded.InUseError
	if errors.As(err, &inUse) {
		return fmt.Errorf("%w; --state or TILLFLOW_STATE choose another folder", err)
	}
	return err
}

// ErrEnded says that the process which ran the services has ended.
var ErrEnded = errors.New("the process that ran the services has ended")

// Attach connects to the services that another process runs in the folder, waiting until they are ready. The error is
// ErrEnded when there is no such process any more.
func Attach(ctx context.Context, s *spec.Spec, f *Folder) (*Services, error) {
	kafka, postgres, err := addresses(s)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		i, ok := f.Read(ServicesRole)
		switch {
		case ok && i.Ready:
			sv := &Services{Brokers: i.Brokers, URL: i.URL, PassFile: i.PassFile}
			own := i.Socket
			if !kafka.Embedded {
				sv.Brokers = strings.Split(kafka.Real, ",")
			}
			if !postgres.Embedded {
				own, sv.URL, sv.PassFile = postgres.Real, postgres.Real, ""
			}
			sv.DB, err = pg.Open(ctx, own)
			return sv, err
		case !ok:
			return nil, ErrEnded
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the services of pid %d: %w", i.PID, context.Cause(ctx))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Died is closed when an embedded server ends by itself.
func (sv *Services) Died() <-chan struct{} {
	if sv.postgres == nil {
		return nil
	}
	return sv.postgres.Done()
}

// Stop closes the connections and stops what Start started; safe on a half-started one.
func (sv *Services) Stop(ctx context.Context, log *slog.Logger) {
	if sv.DB != nil {
		sv.DB.Close()
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if sv.kafka != nil {
		if err := sv.kafka.Stop(ctx); err != nil {
			log.Error("Kafka did not stop cleanly", "error", err)
		}
	}
	if sv.postgres != nil {
		if err := sv.postgres.Stop(ctx); err != nil {
			log.Error("Postgres did not stop cleanly", "error", err)
		}
	}
}
