import ArgumentParser
import AsyncHTTPClient
import Configuration
import Hummingbird

@main struct Tidewire: ParsableCommand { func run() throws { print("hi") } }
