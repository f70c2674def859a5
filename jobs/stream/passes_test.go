package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"tillflow/lib/kafkasrc"
	"tillflow/lib/ledger"
	"tillflow/lib/pgtest"
)

// Each SQLSTATE that a stream can meet, and whether it is waited for.
func TestWhichServerErrorsPass(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what, code string
		passes     bool
	}{
		{"connection_exception", "08000", true},
		{"connection_does_not_exist", "08003", true},
		{"server_rejected_the_connection", "08004", false},
		{"connection_failure", "08006", true},
		{"protocol_violation_as_of_COPY_data", "08P01", false},
		{"feature_not_supported", "0A000", false},
		{"value_too_long", "22001", false},
		{"numeric_out_of_range", "22003", false},
		{"not_null_violation", "23502", false},
		{"foreign_key_violation", "23503", false},
		{"unique_violation", "23505", false},
		{"read_only_standby", "25006", true},
		{"transaction_aborted_already", "25P02", false},
		{"idle_in_transaction", "25P03", true},
		{"transaction_timeout", "25P04", true},
		{"wrong_password", "28P01", false},
		{"no_such_database", "3D000", false},
		{"serialization_failure", "40001", true},
		{"statement_completion_unknown", "40003", true},
		{"deadlock", "40P01", true},
		{"no_privilege", "42501", false},
		{"syntax_error", "42601", false},
		{"no_such_column", "42703", false},
		{"no_such_table", "42P01", false},
		{"disk_full", "53100", true},
		{"out_of_memory", "53200", true},
		{"too_many_connections", "53300", true},
		{"limit_of_the_configuration", "53400", false},
		{"program_limit_exceeded", "54000", false},
		{"object_in_use", "55006", true},
		{"object_in_another_state", "55000", false},
		{"lock_timeout", "55P03", true},
		{"statement_timeout", "57014", true},
		{"admin_shutdown", "57P01", true},
		{"crash_shutdown", "57P02", true},
		{"cannot_connect_now", "57P03", true},
		{"database_dropped", "57P04", false},
		{"idle_session_timeout", "57P05", true},
		{"io_error", "58030", true},
		{"undefined_file", "58P01", false},
		{"raised_by_a_function", "P0001", false},
		{"internal_error", "XX000", false},
		{"data_corrupted", "XX001", false},
		{"index_corrupted", "XX002", false},
		{"no_code_at_all", "", false},
	} {
		err := fmt.Errorf("commit batch: %w", &pgconn.PgError{Code: c.code})
		if got := passes(err); got != c.passes {
			t.Errorf("%s (%s): passes is %v, want %v", c.what, c.code, got, c.passes)
		}
	}
	altered := &pgconn.PgError{Code: "0A000", Routine: "RevalidateCachedQuery"}
	if !passes(altered) {
		t.Error("a prepared statement on a table that was altered is not tried again")
	}
}

// Errors without a SQLSTATE: what no server has answered passes, everything else does not.
func TestWhichOtherErrorsPass(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err    error
		passes bool
	}{
		"connection_broke":      {io.ErrUnexpectedEOF, true},
		"connection_reset":      {&net.OpError{Op: "read", Err: syscall.ECONNRESET}, true},
		"connection_refused":    {&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, true},
		"no_answer_in_time":     {context.DeadlineExceeded, true},
		"topic_not_made_yet":    {&kafkasrc.UnknownTopicError{Topic: "t"}, true},
		"fenced":                {ledger.ErrFenced, false},
		"retention_passed_us":   {&kafkasrc.OutOfRangeError{Offset: 1, Start: 3, End: 4}, false},
		"topic_made_anew":       {&kafkasrc.RecreatedError{}, false},
		"other_cluster":         {&otherLogError{text: "x"}, false},
		"corrupt_batch":         {&kafkasrc.CorruptError{}, false},
		"broker_too_old":        {&kafkasrc.VersionError{}, false},
		"table_differs":         {&differsError{"x"}, false},
		"ledger_changed_by_man": {errors.New("stands at offset 7 under our own epoch"), false},
		"our_own_mistake":       {fmt.Errorf("unable to encode 1 into text format"), false},
	} {
		if got := passes(fmt.Errorf("write: %w", c.err)); got != c.passes {
			t.Errorf("%s: passes is %v, want %v", name, got, c.passes)
		}
	}
}

// Real sessions: closed, ended by the server, and altered under a prepared statement.
func TestRealSessionErrorsPass(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	ctx := t.Context()
	conn, err := db.Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, "create table altered (a integer)"); err != nil {
		t.Fatal(err)
	}
	var a int
	_ = conn.QueryRow(ctx, "select * from altered").Scan(&a) // no rows; now it is prepared
	if _, err := db.Exec(ctx, "alter table altered alter a type bigint"); err != nil {
		t.Fatal(err)
	}
	rows, err := conn.Query(ctx, "select * from altered")
	if err == nil {
		rows.Close()
		err = rows.Err()
	}
	if err == nil || !passes(err) {
		t.Errorf("altered table: %v does not pass", err)
	}
	if _, err := db.Exec(ctx, "select pg_terminate_backend($1::int4)", conn.Conn().PgConn().PID()); err != nil {
		t.Fatal(err)
	}
	for range 2 { // first the server's farewell, then the closed session
		if _, err = conn.Exec(ctx, "select 1"); err == nil || !passes(err) {
			t.Errorf("ended session: %v does not pass", err)
		}
	}
	if _, err = db.Exec(ctx, "select no_such_column"); err == nil || passes(err) {
		t.Errorf("a statement that is wrong passes: %v", err)
	}
}
