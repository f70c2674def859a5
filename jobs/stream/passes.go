package stream

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"

	"tillflow/lib/kafkasrc"
	"tillflow/lib/ledger"
)

// passes says whether an error of Postgres or Kafka may be gone at the next try without anybody's doing. Such trouble is
// waited for; everything else stops the partition with a state that says what to do, so that an error that can never
// pass does not look like waiting. The rule is this list and nothing else:
//
//   - What the server says goes by its SQLSTATE: see serverPasses.
//   - No answer of a server: a connection that could not be opened or broke, or no answer in time.
//   - Kafka: brokers away or electing, topics that are being made (kafkasrc.Passes).
//   - Never: a lost lease, an offset that is not in the log, a log that is another one, a record batch that is corrupt, a
//     table that is not what the sinks declare. So too an error nobody has thought of.
func passes(err error) bool {
	var (
		outside *kafkasrc.OutOfRangeError
		another *otherLogError
		differs *differsError
		server  *pgconn.PgError
		connect *pgconn.ConnectError
	)
	switch {
	case errors.Is(err, ledger.ErrFenced), errors.As(err, &outside), errors.As(err, &another), errors.As(err, &differs):
		return false
	case errors.As(err, &server):
		return serverPasses(server)
	case errors.As(err, &connect), pgconn.SafeToRetry(err), pgconn.Timeout(err), errors.Is(err, context.DeadlineExceeded):
		return true
	}
	return kafkasrc.Passes(err)
}

// passing are the SQLSTATEs that pass: whole classes by two letters, single ones by five.
var passing = map[string]string{
	"08": "the connection broke or was refused",
	"53": "short of something: disk space, memory, connections, temporary files",

	"25006": "read only: a standby that is being promoted",
	"25P03": "idle in a transaction for too long: this process was frozen, and the session is gone",
	"25P04": "a transaction took too long",
	"40000": "rolled back",
	"40001": "rolled back: not serializable",
	"40003": "not known whether it was committed: the ledger is asked",
	"40P01": "rolled back: deadlock",
	"55006": "an object is in use",
	"55P03": "a lock was not had in time",
	"57014": "a statement was cancelled or took too long",
	"57P01": "the server shuts down",
	"57P02": "the server crashed and starts again",
	"57P03": "the server starts up",
	"57P05": "the session was idle for too long",
	"58030": "the server could not read or write a file",
}

// lasting are the exceptions of the classes that pass.
var lasting = []string{
	"08004", // the server refuses this connection on principle
	"08P01", // COPY data that does not fit the table
	"53400", // a limit of the configuration
}

// serverPasses is the rule for what Postgres answers. Beside the list there is one more: a table that was altered while
// statements were prepared on it refuses each of them once.
func serverPasses(e *pgconn.PgError) bool {
	if len(e.Code) != 5 || slices.Contains(lasting, e.Code) {
		return false
	}
	if e.Code == "0A000" && e.Routine == "RevalidateCachedQuery" {
		return true
	}
	return passing[e.Code] != "" || passing[e.Code[:2]] != ""
}
