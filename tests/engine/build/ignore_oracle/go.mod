module oracle

go 1.21

require (
	github.com/moby/patternmatcher v0.6.0
	github.com/sabhiram/go-gitignore v0.0.0-20210923224102-525f6e181f06
)
