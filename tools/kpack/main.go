// Command kpack does what kpack's controller and webhook do with files and images, by kpack's own
// code, without a cluster.
//
//	kpack validate FILE...
//	kpack builder PACKAGE BUILD-IMAGE RUN-IMAGE LIFECYCLE-IMAGE STACK-ID BUILDPACK-ID BUILDER
//	kpack complete REPORT CACHE-TAG MESSAGE-FILE
package main

import (
	"errors"
	"fmt"
	"os"
)

func run(arguments []string) error {
	switch {
	case len(arguments) > 1 && arguments[0] == "validate":
		return validate(arguments[1:])
	case len(arguments) == 8 && arguments[0] == "builder":
		return builder([7]string(arguments[1:]))
	case len(arguments) == 4 && arguments[0] == "complete":
		return complete(arguments[1], arguments[2], arguments[3])
	}
	return errors.New("usage: kpack validate FILE... | kpack builder (seven references and ids) | kpack complete (two files, a tag)")
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
