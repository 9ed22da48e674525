"""The stream directory (Red5 Pro Stream Manager's REST API for streams): contract 5, under `/streammanager/api`."""
