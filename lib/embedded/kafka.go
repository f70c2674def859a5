package embedded

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// KafkaConfig says how the embedded broker runs.
type KafkaConfig struct {
	State      string       // state folder; the logs are in STATE/kafka; empty keeps everything in memory
	Port       int          // on 127.0.0.1; 0 takes any free one
	Partitions int          // of a topic that is created by its first use; default 2, one for each core of a laptop
	Log        *slog.Logger // default: discard

	keepBytes, segmentBytes int // of a partition; smaller in a test
}

func (c KafkaConfig) withDefaults() KafkaConfig {
	if c.Partitions == 0 {
		c.Partitions = 2
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.keepBytes == 0 {
		c.keepBytes, c.segmentBytes = keepBytes, segmentBytes
	}
	return c
}

const (
	maxMessageBytes = 1_048_588 // the largest batch a producer may send: the default of real brokers
	segmentBytes    = 100 << 20 // the log is cut and deleted by pieces of this size
	keepBytes       = 1 << 30   // of a partition: about 7 million sales
	retentionEvery  = time.Minute
)

// Kafka is a running embedded broker.
type Kafka struct {
	cluster *kfake.Cluster
	port    int
	lock    *folderLock // nil in memory
	log     *slog.Logger
	stop    chan struct{}
	ended   sync.WaitGroup // the retention loop
	once    sync.Once
	closed  chan struct{}
}

// StartKafka starts a broker in this process and returns when it answers. Topics are created by their first use.
//
// With a state folder every batch is handed to the operating system before it is acknowledged, so a kill -9 of this
// process loses nothing; a crash of the machine can lose the last moments, as with a real broker's defaults. Old
// segments go by size and never by age: the simulator writes a month of history with its own event times, and the
// default of seven days would delete it before anyone has read it.
//
// A port in use is a *PortTakenError, a state folder in use an *InUseError.
func StartKafka(ctx context.Context, cfg KafkaConfig) (*Kafka, error) {
	cfg = cfg.withDefaults()
	opts := []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.ListenFn(func(network, address string) (net.Listener, error) {
			return new(net.ListenConfig).Listen(ctx, network, address)
		}),
		kfake.ClusterID(newClusterID()), // a folder that has data keeps the id it was made with
		kfake.DefaultNumPartitions(cfg.Partitions),
		kfake.WithLogger(brokerLog{cfg.Log}),
		kfake.BrokerConfigs(map[string]string{
			"message.max.bytes":   strconv.Itoa(maxMessageBytes),
			"log.segment.bytes":   strconv.Itoa(cfg.segmentBytes),
			"log.retention.bytes": strconv.Itoa(cfg.keepBytes),
			"log.retention.ms":    "-1",
		}),
	}
	if cfg.Port != 0 {
		opts = append(opts, kfake.Ports(cfg.Port))
	}
	k := &Kafka{log: cfg.Log, stop: make(chan struct{}), closed: make(chan struct{})}
	if cfg.State != "" {
		dir := filepath.Join(cfg.State, "kafka")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, fmt.Errorf("start Kafka: %w", err)
		}
		lock, err := lockFolder(dir, "Kafka")
		if err != nil {
			return nil, startError("Kafka", err)
		}
		k.lock = lock
		opts = append(opts, kfake.DataDir(filepath.Join(dir, "data")))
	}
	cluster, err := kfake.NewCluster(opts...)
	if err != nil {
		k.lock.release()
		return nil, listenError(err, cfg.Port, "Kafka")
	}
	k.cluster = cluster
	k.createTopics()
	_, port, err := net.SplitHostPort(cluster.ListenAddrs()[0])
	if err == nil {
		k.port, err = strconv.Atoi(port)
	}
	if err != nil {
		cluster.Close()
		k.lock.release()
		return nil, fmt.Errorf("start Kafka: %w", err)
	}
	k.ended.Go(k.retain)
	return k, nil
}

// Brokers returns the address to give to clients.
func (k *Kafka) Brokers() []string {
	return []string{net.JoinHostPort("127.0.0.1", strconv.Itoa(k.port))}
}

// Port returns the port on 127.0.0.1.
func (k *Kafka) Port() int { return k.port }

// Stop closes the broker and writes what a clean start wants to find. It returns when that is done or ctx ends; the
// data is whole either way. A second call waits for the first.
func (k *Kafka) Stop(ctx context.Context) error {
	k.once.Do(func() {
		close(k.stop)
		go func() {
			defer close(k.closed)
			k.ended.Wait()
			k.cluster.Close()
			k.lock.release()
		}()
	})
	select {
	case <-k.closed:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop Kafka: %w", context.Cause(ctx))
	}
}

// retain applies the limits above. The broker does so by itself only for topics that carry limits of their own.
func (k *Kafka) retain() {
	tick := time.NewTicker(retentionEvery)
	defer tick.Stop()
	for {
		select {
		case <-k.stop:
			return
		case <-tick.C:
			k.cluster.ApplyRetention()
		}
	}
}

// newClusterID returns a random id in the form real brokers use: 16 bytes in URL-safe base64. The stream stores it
// with its offsets, so that a log made anew is never taken for the old one.
func newClusterID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails, says its documentation
	return base64.RawURLEncoding.EncodeToString(id[:])
}

// brokerLog passes on what the broker says. It talks about every request at info level, which nobody wants to read.
type brokerLog struct{ log *slog.Logger }

func (b brokerLog) Logf(level kfake.LogLevel, format string, args ...any) {
	to := slog.LevelDebug
	switch level {
	case kfake.LogLevelError:
		to = slog.LevelError
	case kfake.LogLevelWarn:
		to = slog.LevelWarn
	case kfake.LogLevelNone, kfake.LogLevelInfo, kfake.LogLevelDebug:
	}
	if ctx := context.Background(); b.log.Enabled(ctx, to) {
		b.log.Log(ctx, to, "kafka: "+fmt.Sprintf(format, args...))
	}
}
