package kafkasrc

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// OutOfRangeError says that an offset is not in the log: retention has removed it, or the log lost its tail or was
// made anew. The caller decides; nothing here ever jumps to another offset.
type OutOfRangeError struct {
	Topic      string
	Partition  int
	Offset     int64
	Start, End int64 // the log's range when it was asked, half-open; both -1 when that is not known
}

func (e *OutOfRangeError) Error() string {
	at := fmt.Sprintf("%s/%d: offset %d", e.Topic, e.Partition, e.Offset)
	switch {
	case e.Start < 0:
		return at + " is not in the log"
	case e.Offset < e.Start:
		return fmt.Sprintf("%s was removed by retention: the log starts at %d", at, e.Start)
	default:
		return fmt.Sprintf("%s is behind the log's end %d: the log lost its tail or was made anew", at, e.End)
	}
}

// UnknownTopicError says that the cluster has no such topic. It may be about to be created, so calls keep asking
// until their context ends and then carry this error.
type UnknownTopicError struct{ Topic string }

func (e *UnknownTopicError) Error() string {
	return fmt.Sprintf("topic %q does not exist on the cluster", e.Topic)
}

// RecreatedError says that the topic was deleted and made again while it was read: offsets of the one mean nothing in the
// other, even where both have them.
type RecreatedError struct {
	Topic   string
	Was, Is string // the topic's ids
}

func (e *RecreatedError) Error() string {
	return fmt.Sprintf("topic %s was deleted and made again while it was read: its id was %s and is %s", e.Topic, e.Was, e.Is)
}

// CorruptError says that a record batch does not hold what it claims: wrong checksum, or lengths that do not add up.
type CorruptError struct {
	Topic     string
	Partition int
	Offset    int64 // of the batch
	Reason    string
	started   bool // some of its messages were shown: fetching again from behind them would hide the trouble
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("%s/%d: record batch at offset %d: %s", e.Topic, e.Partition, e.Offset, e.Reason)
}

// VersionError says that broker and program share no version of a request.
type VersionError struct {
	API                  string
	BrokerMin, BrokerMax int16
	OursMin, OursMax     int16
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("the broker speaks %s v%d to v%d, this program v%d to v%d", e.API, e.BrokerMin, e.BrokerMax, e.OursMin, e.OursMax)
}

type noAnswerError struct{ after time.Duration }

func (e *noAnswerError) Error() string { return fmt.Sprintf("no answer within %s", e.after) }

// Passes reports whether an error of this package may be gone when the same is tried a little later. Calls wait for such
// trouble themselves until their context ends.
func Passes(err error) bool { return transient(err) }

// transient reports whether the same request may succeed a little later: brokers away or electing, coordinators
// loading, metadata behind the truth, topics being created.
func transient(err error) bool {
	var (
		code    kafka.Error
		unknown *UnknownTopicError
		silent  *noAnswerError
		network net.Error
		version *VersionError
		corrupt *CorruptError
		forgot  *forgottenError
		large   *tooLargeError
		anew    *RecreatedError
	)
	switch {
	case errors.As(err, &version), errors.As(err, &corrupt), errors.As(err, &anew):
		return false
	case errors.As(err, &unknown), errors.As(err, &silent), errors.As(err, &forgot), errors.As(err, &large):
		return true
	case errors.As(err, &code):
		switch code {
		case kafka.Unknown, kafka.BrokerNotAvailable, kafka.ReplicaNotAvailable:
			return true // kafka-go's ListOffsets turns every error into Unknown
		}
		return code.Temporary()
	case errors.Is(err, protocol.ErrNoTopic), errors.Is(err, protocol.ErrNoPartition), errors.Is(err, protocol.ErrNoLeader):
		return true
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe), errors.Is(err, net.ErrClosed),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, os.ErrDeadlineExceeded):
		return true
	}
	return errors.As(err, &network)
}
