package stream

// What can fail, and the test that shows what happens then. TestBroker runs on the embedded broker, and with the build tag kafka
// on a real one (`just test-kafka`); both: is a case of that suite here and in lib/kafkasrc. A recipe takes minutes.
//
//	kill -9 at any point                  TestKilledAgainAndAgain, and that of dag; `just chaos`
//	  a restart goes on within 2 s        TestRestartAfterAKillGoesOnAtOnce   the figures: `just trouble`
//	  another host within 7 s             TestAnotherHostTakesOver
//	  kills every second                  TestKillsEverySecondLetTheStreamProgress
//	connection lost during COMMIT         TestAnswerOfCommitIsLost, TestSessionsEndAtAnyMoment
//	Postgres restarts or crashes          TestPostgresRestarts; `just chaos`
//	Postgres away for minutes             TestPostgresStaysAway (seconds), `just trouble` (minutes)
//	disk full                             TestDiskFull (the server's answer), TestRealDiskIsFull (`just trouble`)
//	lock and statement timeouts           TestLocksAndTimeouts, TestShortLocksAreWaitedFor
//	which errors pass                     TestWhichServerErrorsPass, TestRealSessionErrorsPass
//	broker restarts or is killed          TestBroker/broker_restarts; kafkasrc: nothing_is_stored_twice_over_restarts
//	broker away for minutes               TestBrokerStaysAway (seconds), `just trouble` (minutes)
//	leaders move among brokers            `just test-kafka-cluster`; kafkasrc: TestLeadersMayMove
//	broker lost its tail                  TestBroker/log_lost_its_tail, both
//	retention passed us                   TestBroker/retention_passed_us; kafkasrc: offset_outside_the_log
//	topic made again                      TestBroker/topic_made_again, both
//	partitions added                      TestBroker/partitions_are_added, both
//	one partition cannot go on            TestOnePartitionStopsTheOthersGoOn, TestDamagedAnswers
//	rebalance                             TestWorkersShareAndHandOver, TestBroker/workers_share_and_hand_over
//	zombie writer, frozen process         TestFrozenProcessIsFenced, TestFencedWriterWritesNothing
//	  its row lock is freed               TestServerEndsTheTransactionOfAFrozenProcess
//	group reset or deleted on the broker  TestBroker/group_is_reset
//	claims and leases                     lib/ledger: TestClaimFollowsTheLease, TestOnlyOneOfManyClaims, TestSlowBatchKeepsItsPartition
//	poison message                        TestBadInputByName, TestBadMessagesAreKeptAndStopNothing
//	schema violation                      TestEveryFieldOption, TestUnknownFieldsAreToldOnce, TestReplayPutsDeadLettersWhereTheyBelong
//	unknown dimension key                 TestHeldRowsEndAsIfTheirDimensionHadBeenThere, TestHeldForTwo
//	row the table refuses                 TestTableRefusesRows, TestHeldRowThatIsRefused
//	repeated event, also in its batch     TestRepeatedMessagesCountOnce
//	same key, other contents; other time  TestSameKeyOtherContents
//	out of order, late, moved about       TestSameLogSameTables, TestWindowsOfEveryKind
//	clock skew, far future                TestRowsFromTheFutureAreListed; lib/window: TestWatermarkMovesByMessage
//	producer retries                      kafkasrc: TestLostRepliesStoreNothingTwice, TestForgottenProducerStartsAgain
//	control and aborted batches           TestBroker/aborted_messages_are_not_stored; kafkasrc: aborted_transactions_are_not_read
//	checksum or compression error         TestDamagedAnswers; kafkasrc: TestWalkBatches, log_that_lost_its_tail_and_damaged_batch
//	oversized message                     TestBroker/largest_messages_are_kept, /batches_larger_than_a_fetch; the cap: TestDamagedAnswers
//	two instances by mistake              TestWorkersShareAndHandOver; lib/embedded: Test…RefusesAFolderInUse
//	idle partition                        lib/ledger: TestWatermarkOfAJob
//	no privilege to silence triggers      TestWithoutThePrivilege

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// openWith opens a pool whose configuration is changed first.
func openWith(ctx context.Context, url string, change func(*pgxpool.Config)) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	change(cfg)
	return pgxpool.NewWithConfig(ctx, cfg)
}

// afterConnect has every writer's session run settings after its own.
func afterConnect(settings string) func(*pgxpool.Config) {
	return func(cfg *pgxpool.Config) {
		cfg.ConnConfig.AfterConnect = func(ctx context.Context, c *pgconn.PgConn) error {
			if settings == "" || !strings.HasPrefix(c.ParameterStatus("application_name"), writerName) {
				return nil
			}
			return c.Exec(ctx, settings).Close()
		}
	}
}

// writerName is what the names of the writers' sessions begin with.
const writerName = "tillflow stream.test/"

// through gives a stream a pool of its own, changed.
func (r *rig) through(change func(*pgxpool.Config)) func(*With, *Deps) {
	r.t.Helper()
	db, err := openWith(r.t.Context(), r.db.Config().ConnString(), change)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(db.Close)
	return func(_ *With, d *Deps) { d.DB = db }
}

// lock has another session run a statement that locks something, until free is called.
func (r *rig) lock(statement string) (free func()) {
	r.t.Helper()
	tx, err := r.db.Begin(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = tx.Rollback(context.Background()) }) // after a failure; otherwise it is over
	if _, err := tx.Exec(r.t.Context(), statement); err != nil {
		r.t.Fatalf("%s: %v", statement, err)
	}
	return func() {
		if err := tx.Rollback(r.t.Context()); err != nil {
			r.t.Fatal(err)
		}
	}
}

// blocked counts the writers' sessions that wait for a lock.
func (r *rig) blocked() int64 {
	r.t.Helper()
	return r.number("select count(*) from pg_stat_activity where application_name like $1 || '%' and datname = current_database() and wait_event_type = 'Lock'", writerName)
}

// book keeps what a stream logs.
type book struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *book) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// count is how many lines hold a text.
func (b *book) count(text string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for line := range strings.Lines(b.text.String()) {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

func (b *book) keep(_ *With, d *Deps) { d.Log = slog.New(slog.NewTextHandler(b, nil)) }

func (b *book) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
