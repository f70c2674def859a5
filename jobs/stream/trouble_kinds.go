package stream

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"tillflow/lib/kafkasrc"
)

// kind is a state of trouble, as `dag status` and dag.stream_problems name it.
type kind string

// What passes by itself, a state of the whole stream.
const (
	brokerAway   kind = "broker-away"
	postgresAway kind = "postgres-away"
	diskFull     kind = "disk-full"
	noMemory     kind = "out-of-memory"
	noSlots      kind = "too-many-connections"
	lockWait     kind = "lock-timeout"
	tooSlow      kind = "statement-timeout"
	readOnly     kind = "read-only"
	rolledBack   kind = "rolled-back"
)

// What does not, a state of a partition: its worker has stopped.
const (
	lostTail     kind = "log-lost-its-tail"
	gone         kind = "retention-passed"
	newLog       kind = "log-made-anew"
	otherCluster kind = "other-cluster"
	corruptBatch kind = "corrupt-batch"
	oldBroker    kind = "broker-version"
	tableDiffers kind = "table-differs"
	failed       kind = "failed"
)

// Of the whole stream, and neither.
const (
	rowByRow kind = "foreign-keys-row-by-row"
	grown    kind = "partitions-added"
)

var (
	passingKinds = []string{string(brokerAway), string(postgresAway), string(diskFull), string(noMemory), string(noSlots),
		string(lockWait), string(tooSlow), string(readOnly), string(rolledBack)}
	readingKinds = []string{string(lostTail), string(gone), string(newLog), string(otherCluster), string(oldBroker)}
	writingKinds = []string{string(corruptBatch), string(tableDiffers), string(failed)} // and what needs a batch to go through
)

// side is who was asked when an error came.
type side int

const (
	kafkaSide side = iota
	postgresSide
)

// kindOf classifies an error that passes.
func kindOf(err error, at side) kind {
	var server *pgconn.PgError
	var connect *pgconn.ConnectError
	switch {
	case errors.As(err, &server):
		switch server.Code {
		case "53100":
			return diskFull
		case "53200":
			return noMemory
		case "53300":
			return noSlots
		case "55P03":
			return lockWait
		case "57014":
			return tooSlow
		case "25006":
			return readOnly
		}
		if strings.HasPrefix(server.Code, "40") {
			return rolledBack
		}
		return postgresAway
	case at == postgresSide, errors.As(err, &connect):
		return postgresAway
	}
	return brokerAway
}

// stopKind classifies an error that stops a partition, with the offset it is about, if it is about one.
func stopKind(err error) (kind, *int64) {
	var (
		outside *kafkasrc.OutOfRangeError
		corrupt *kafkasrc.CorruptError
		version *kafkasrc.VersionError
		anew    *kafkasrc.RecreatedError
		another *otherLogError
		differs *differsError
	)
	switch {
	case errors.As(err, &outside) && outside.Offset < outside.Start:
		return gone, &outside.Offset
	case errors.As(err, &outside):
		return lostTail, &outside.Offset
	case errors.As(err, &anew), errors.As(err, &another) && !another.cluster:
		return newLog, nil
	case another != nil:
		return otherCluster, nil
	case errors.As(err, &corrupt):
		return corruptBatch, &corrupt.Offset
	case errors.As(err, &version):
		return oldBroker, nil
	case errors.As(err, &differs):
		return tableDiffers, nil
	}
	return failed, nil
}

// advice says what to do in a state of trouble.
func advice(k kind, job string, partition int) string {
	skip := fmt.Sprintf("dag skip %s --partition %d", job, partition)
	switch k {
	case brokerAway:
		return "Start the broker, or mend the way to it. The stream goes on by itself; nothing is lost while the log keeps what was not read."
	case postgresAway:
		return "Start Postgres, or mend the way to it. The stream goes on by itself where it stood."
	case diskFull:
		return "Make room on the disk of Postgres. The stream goes on by itself where it stood."
	case noMemory:
		return "Postgres is short of memory: give it more, or a smaller work_mem. The stream goes on by itself."
	case noSlots:
		return "End sessions that nobody needs (select * from pg_stat_activity), or raise max_connections. The stream goes on by itself."
	case lockWait:
		return "Somebody holds a lock on a table of the stream: select * from pg_locks where not granted. End that session; the stream goes on by itself."
	case tooSlow:
		return "A statement was cancelled or took longer than statement_timeout allows: raise it for the stream's user, or set a smaller batch:. The batch is tried again."
	case readOnly:
		return "Postgres takes no writes: promote the standby, or point DATABASE_URL at the primary. The stream goes on by itself."
	case rolledBack:
		return "Nothing, if it is rare: the batch is tried again. If it is often, somebody else writes to the tables of the stream."
	case lostTail:
		return skip + " --new-log\nIt reads what the log has now from its start: what is in the tables already is a duplicate and changes nothing. " +
			"Or restore the log and wait a minute."
	case gone:
		return skip + " --to-start\nIt goes on at the log's start; the messages between are not in the tables, and the gap is recorded for dag verify. " +
			"If they are kept elsewhere, produce them again."
	case newLog:
		return skip + " --new-log\nIt reads the new log from its start; what the old one became stays in the tables and the ledger."
	case otherCluster:
		return "Point KAFKA_BROKERS at the cluster that was read so far. If the move is meant, this reads the topic there from its start:\n" + skip + " --new-log"
	case corruptBatch:
		return "A replica may have a sound copy: move the partition's leader, and the stream goes on within a minute. Else see the broker's log for the disk."
	case oldBroker:
		return "Use a broker that speaks the version, Kafka 0.11 or later."
	case tableDiffers:
		return "Make the table as the dagfile declares it, or declare it as it is; the message says where they differ. Then restart the stream."
	case rowByRow:
		return "Nothing must be done, it is only slower. For the speed, let a superuser grant what the message says, or declare the foreign key with references:."
	case grown:
		return "Nothing: they are read from their first message."
	}
	return "The partition is tried again every minute; the message says what to mend. See the log of dag run."
}
