package instance_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tillflow/dag/instance"
)

func open(t *testing.T) *instance.Folder {
	t.Helper()
	f, err := instance.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestOneOwnerAtATime(t *testing.T) {
	f := open(t)
	o, err := f.Own(instance.RunRole, "dag run")
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Tell(func(i *instance.Info) { i.Ready, i.Address = true, "http://127.0.0.1:8501" }); err != nil {
		t.Fatal(err)
	}
	_, err = f.Own(instance.RunRole, "dag run")
	var owned *instance.OwnedError
	if !errors.As(err, &owned) || owned.Info.PID != os.Getpid() || !strings.Contains(err.Error(), "http://127.0.0.1:8501") {
		t.Errorf("a second owner got %v", err)
	}
	if i, ok := f.Read(instance.RunRole); !ok || !i.Ready {
		t.Errorf("others read %+v %v", i, ok)
	}
	services, err := f.Own(instance.ServicesRole, "dag run")
	if err != nil {
		t.Fatalf("the other role: %v", err)
	}
	services.Release()
	o.Release()
	if _, ok := f.Read(instance.RunRole); ok {
		t.Error("a released folder still has an owner")
	}
	if o, err = f.Own(instance.RunRole, "dag run"); err != nil {
		t.Fatal(err)
	}
	o.Release()
}

func TestIDOutlivesTheProcess(t *testing.T) {
	f := open(t)
	a, err := f.ID()
	if err != nil {
		t.Fatal(err)
	}
	b, err := f.ID()
	if err != nil || a != b || a == "" {
		t.Errorf("ids %q and %q (%v)", a, b, err)
	}
}

// A killed owner gives the folder up, whatever it wrote about itself.
func TestKilledOwnerFreesTheFolder(t *testing.T) {
	f := open(t)
	cmd := exec.Command(os.Args[0], "-test.run=^TestHoldFolder$")
	cmd.Env = append(os.Environ(), "HOLD_FOLDER="+f.Path)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(time.Minute)
	for {
		if i, ok := f.Read(instance.RunRole); ok && i.PID == cmd.Process.Pid {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the other process did not take the folder")
		}
		time.Sleep(5 * time.Millisecond)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	if _, ok := f.Read(instance.RunRole); ok {
		t.Error("a dead process still owns the folder")
	}
	o, err := f.Own(instance.RunRole, "dag run")
	if err != nil {
		t.Fatal(err)
	}
	o.Release()
}

// TestHoldFolder is the other process of TestKilledOwnerFreesTheFolder; by itself it does nothing.
func TestHoldFolder(t *testing.T) {
	path := os.Getenv("HOLD_FOLDER")
	if path == "" {
		return
	}
	f, err := instance.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Own(instance.RunRole, "dag run"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute) // killed before
}

func TestParseAddress(t *testing.T) {
	for in, want := range map[string]instance.Address{
		"":                        {Embedded: true, Port: 7},
		"embedded":                {Embedded: true, Port: 7},
		"embedded:0":              {Embedded: true},
		"embedded:9000":           {Embedded: true, Port: 9000},
		"kafka-1:9092,other:9092": {Real: "kafka-1:9092,other:9092"},
	} {
		if got, err := instance.ParseAddress(in, 7); err != nil || got != want {
			t.Errorf("%q is %+v (%v), want %+v", in, got, err, want)
		}
	}
	if _, err := instance.ParseAddress("embedded:x", 7); err == nil {
		t.Error("embedded:x was taken")
	}
}
