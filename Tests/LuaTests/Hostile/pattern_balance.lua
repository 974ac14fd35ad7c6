-- %b tried at every place.
-- expect: stop cpu
return ("("):rep(1e6):find("%b()")
