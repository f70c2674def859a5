package kafkasrc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
)

// Options of Open; every field may stay zero.
type Options struct {
	Log      *slog.Logger // where trouble that is being retried is told; default: nowhere
	ClientID string       // how the brokers' logs and quotas name us; default "tillflow"

	// Patience is how long trouble may last before it is told: a topic that was made a moment ago is not known to every
	// broker yet, which is nobody's business. Zero tells at once.
	Patience time.Duration

	// Trouble is called when what a call does is in trouble for longer than Patience, with each further error, and with nil
	// when it works again or is given up. Default: nobody is called.
	Trouble func(doing string, err error)
}

// Client talks to one Kafka cluster. It is safe for concurrent use.
type Client struct {
	brokers  []string
	log      *slog.Logger
	clientID string
	patience time.Duration
	trouble  func(doing string, err error)

	mu         sync.Mutex
	transports map[string]*kafka.Transport // by topic; "" for what concerns no topic
	noticed    map[string]notice           // by operation: the trouble last logged
}

// Timeouts of one attempt; the caller's context bounds all attempts together.
const (
	attemptTimeout = 10 * time.Second        // an answer that takes longer is asked for again
	metadataTTL    = 1500 * time.Millisecond // how soon a moved leader is noticed
	minBackoff     = 20 * time.Millisecond
	maxBackoff     = time.Second
	noticeAgain    = time.Minute // trouble that stays the same is logged this often
)

// Open makes a client of the cluster that the brokers ("host:port") belong to. It connects when first used, so a
// broker that is away is trouble for later calls and not for this one.
func Open(brokers []string, opt Options) (*Client, error) {
	if len(brokers) == 0 {
		return nil, errors.New("open kafka: no broker address given")
	}
	for _, b := range brokers {
		if i := strings.LastIndexByte(b, ':'); i <= 0 || i == len(b)-1 {
			return nil, fmt.Errorf("open kafka: broker %q is not host:port", b)
		}
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.ClientID == "" {
		opt.ClientID = "tillflow"
	}
	if opt.Trouble == nil {
		opt.Trouble = func(string, error) {}
	}
	return &Client{
		brokers: brokers, log: opt.Log, clientID: opt.ClientID, patience: opt.Patience, trouble: opt.Trouble,
		transports: make(map[string]*kafka.Transport), noticed: make(map[string]notice),
	}, nil
}

// Close closes the connections that no call is using.
func (c *Client) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.transports {
		t.CloseIdleConnections()
	}
	clear(c.transports)
}

// transport gives the connections for calls about one topic. Each topic has its own, because a kafka-go transport
// asks for the metadata of all topics again and again unless it is told which one matters.
func (c *Client) transport(topic string) *kafka.Transport {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.transports[topic]
	if t == nil {
		t = &kafka.Transport{ClientID: c.clientID, MetadataTTL: metadataTTL, MetadataTopics: []string{}}
		if topic != "" {
			t.MetadataTopics = []string{topic}
		}
		c.transports[topic] = t
	}
	return t
}

func (c *Client) kafka(topic string) *kafka.Client {
	return &kafka.Client{Addr: kafka.TCP(c.brokers...), Transport: c.transport(topic), Timeout: attemptTimeout}
}

// notice is trouble that an operation is in.
type notice struct {
	text string
	at   time.Time // when it was last logged, or would have been
	told bool      // false when another operation had told the same a moment before
}

// retry calls try until it succeeds, fails for good, or ctx ends. what names the operation, in errors and in the
// log. Each try gets a context of its own that ends after attempt.
func (c *Client) retry(ctx context.Context, what string, attempt time.Duration, try func(ctx context.Context) error) error {
	var last error
	began, told := time.Now(), false
	defer func() {
		if told {
			c.trouble(what, nil)
		}
	}()
	for n := 0; ; n++ {
		err := tryOnce(ctx, attempt, try)
		if end, ok := ctx.Deadline(); ok && err != nil && !time.Now().Before(end) {
			<-ctx.Done() // a connection can notice the deadline a moment before ctx does
		}
		if err == nil {
			if n > 0 {
				c.recovered(what)
			}
			return nil
		}
		if ctx.Err() == nil && !transient(err) {
			return fmt.Errorf("%s: %w", what, err)
		}
		if ctx.Err() == nil {
			last = err
			if time.Since(began) >= c.patience {
				c.notice(what, err)
				c.trouble(what, err)
				told = true
			}
			pause := min(minBackoff<<min(n, 10), maxBackoff)
			timer := time.NewTimer(pause/2 + rand.N(pause))
			select {
			case <-timer.C:
				continue
			case <-ctx.Done():
				timer.Stop()
			}
		}
		if last != nil {
			return fmt.Errorf("%s: %w; the last try said: %w", what, context.Cause(ctx), last)
		}
		return fmt.Errorf("%s: %w", what, context.Cause(ctx))
	}
}

func tryOnce(ctx context.Context, attempt time.Duration, try func(ctx context.Context) error) error {
	tctx, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	err := try(tctx)
	if err != nil && tctx.Err() != nil && ctx.Err() == nil {
		return &noAnswerError{after: attempt}
	}
	return err
}

// notice logs trouble that is being retried, once per change, and once when all partitions have the same.
func (c *Client) notice(what string, err error) {
	now := notice{text: plainText(err), at: time.Now(), told: true}
	c.mu.Lock()
	old := c.noticed[what]
	if old.text == now.text && now.at.Sub(old.at) < noticeAgain {
		c.mu.Unlock()
		return
	}
	for _, n := range c.noticed {
		if n.text == now.text && now.at.Sub(n.at) < noticeAgain {
			now.told = false
		}
	}
	c.noticed[what] = now
	c.mu.Unlock()
	if now.told {
		c.log.Warn("kafka does not answer as hoped; trying again", "doing", what, "err", now.text)
	}
}

// plainText leaves out the number of our own port, which changes with each try.
func plainText(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Addr != nil {
		return fmt.Sprintf("%s %s: %v", op.Op, op.Addr, op.Err)
	}
	return err.Error()
}

func (c *Client) recovered(what string) {
	c.mu.Lock()
	told := c.noticed[what].told
	delete(c.noticed, what)
	c.mu.Unlock()
	if told {
		c.log.Info("kafka answers again", "doing", what)
	}
}
